# Allows an image whose bytes carry a good signature by a trusted key, of any kind that verify-sig enters.
# --arg fingerprints=FPR,FPR allows these keys only.
# SPDX-License-Identifier: Apache-2.0
(if has("manifest") then .manifest else .blob end).digest as $digest
| ($ARGS.named.fingerprints // null) as $keys
| [(.verified // [])[] | select((.by | IN("openpgp", "simple-signing", "cosign")) and $digest != null and .digest == $digest)] as $signed
| [$signed[] | select($keys == null or (.fingerprint as $f | $keys | split(",") | any(. == $f)))] as $counted
| if $signed == [] then
    {allow: false, rule: "require-signed", message: "no verified signature for these bytes"}
  elif $counted == [] then
    {allow: false, rule: "require-signed", message: "signed, but by none of the keys asked for: \($signed | map(.fingerprint) | join(", "))"}
  else
    {allow: true, rule: "require-signed", message: "signed by \($counted[0].fingerprint)"}
  end
