# What python-tuf does with a role of very many targets, done by the parts of it that Debian has: json, the canonical form of
# securesystemslib, Ed25519 of python3-cryptography. The objects that python-tuf makes of each target are left out: a lower bound.
# SPDX-License-Identifier: Apache-2.0
#
# tufpeer.py sign FILE PRIVATE-KEY          prints a signature over the payload
# tufpeer.py find FILE KEY-IN-HEX TARGET    checks the first signature and prints the target
import json
import sys

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from securesystemslib.formats import encode_canonical

verb, name, key = sys.argv[1:4]
with open(name, "rb") as file:
    metadata = json.load(file)
payload = encode_canonical(metadata["signed"]).encode()
if verb == "sign":
    with open(key, "rb") as file:
        print(load_pem_private_key(file.read(), None).sign(payload).hex())
else:
    Ed25519PublicKey.from_public_bytes(bytes.fromhex(key)).verify(bytes.fromhex(metadata["signatures"][0]["sig"]), payload)
    print(metadata["signed"]["targets"][sys.argv[4]])
