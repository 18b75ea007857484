# What python-tuf does with a role of very many targets, done by the parts of it that Debian has: json, the canonical form of
# securesystemslib, Ed25519 of python3-cryptography. The objects that python-tuf makes of each target are left out: a lower bound.
# SPDX-License-Identifier: Apache-2.0
#
# tufpeer.py sign FILE PRIVATE-KEY          prints a signature over the payload
# tufpeer.py find FILE KEY-IN-HEX TARGET    checks the first signature and prints the target
#
# And where python-tuf itself is to be had:
#
# tufpeer.py client DIR URL [TARGET]        its client: a refresh, and what it says of the target
# tufpeer.py resign FILE PRIVATE-KEY        reads metadata, signs it and prints its bytes
import json
import sys

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key



def client(directory, url, target=None):
    from tuf.ngclient import Updater, UpdaterConfig

    updater = Updater(directory, url + "/metadata/", config=UpdaterConfig(targets_max_length=64 << 20))
    updater.refresh()
    if target:
        print(updater.get_targetinfo(target).length)


def resign(name, key):
    from securesystemslib.signer import CryptoSigner
    from tuf.api.metadata import Metadata

    metadata = Metadata.from_file(name)
    with open(key, "rb") as file:
        metadata.sign(CryptoSigner(load_pem_private_key(file.read(), None)))
    sys.stdout.buffer.write(metadata.to_bytes())


verb, name, key = sys.argv[1:4]
if verb in ("client", "resign"):
    {"client": client, "resign": resign}[verb](*sys.argv[2:])
    sys.exit()
from securesystemslib.formats import encode_canonical

with open(name, "rb") as file:
    metadata = json.load(file)
payload = encode_canonical(metadata["signed"]).encode()
if verb == "sign":
    with open(key, "rb") as file:
        print(load_pem_private_key(file.read(), None).sign(payload).hex())
else:
    Ed25519PublicKey.from_public_bytes(bytes.fromhex(key)).verify(bytes.fromhex(metadata["signatures"][0]["sig"]), payload)
    print(metadata["signed"]["targets"][sys.argv[4]])
