# Allows an image that the user's own reference fixed by digest or by whole image id, so that no server and no signer chose the bytes.
# SPDX-License-Identifier: Apache-2.0
(if has("manifest") then .manifest else .blob end).digest as $digest
| any((.verified // [])[]; .by == "digest" and $digest != null and .digest == $digest) as $by_digest
| (.ref != null and .id != null and .ref == .id and (.id | test("\\Asha512-[0-9a-f]{128}\\z"))) as $by_id
| if $by_digest or $by_id then
    {allow: true, rule: "require-pinned", message: "fixed by its digest"}
  else
    {allow: false, rule: "require-pinned", message: "the reference \(.ref // "of the image" | tojson) names no digest"}
  end
