# Allows an image that comes only from the hosts of --arg registries=HOST,HOST: the registry of a registry reference, else every URL
# at which the image may be had. A port counts as part of the host where the reference has one.
# SPDX-License-Identifier: Apache-2.0
def host: try capture("\\Ahttps?://(?<host>[a-z0-9.-]+(:[0-9]+)?)(/|\\z)").host catch null;
($ARGS.named.registries // "" | split(",") | map(select(. != ""))) as $allowed
| (if .registry != null then [.registry] else [(.endpoints // [])[].url | host] end) as $from
| [$from[] | select(. as $h | all($allowed[]; . != $h))] as $others
| if $allowed == [] then
    {allow: false, rule: "allow-registries", message: "no registry is allowed: give --arg registries=HOST,HOST"}
  elif $from == [] then
    {allow: false, rule: "allow-registries", message: "the record says of no host that the image comes from there"}
  elif $others != [] then
    {allow: false, rule: "allow-registries", message: "not an allowed host: \($others[0] // "none in its URL")"}
  else
    {allow: true, rule: "allow-registries", message: "from \($from | unique | join(", "))"}
  end
