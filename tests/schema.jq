# Judges records by JSON Schemas, as far as share/schema uses them: jq -n --arg open BOOL --slurpfile schemas DIR/*.json -f schema.jq RECORDS
# prints one line per fault, nothing when there is none. A member that its schema does not name is a fault, so that tackle-records(5)
# stays complete; readers accept any.
# SPDX-License-Identifier: Apache-2.0

def is_type($wanted):
	if $wanted == "integer" then type == "number" and . == floor else type == $wanted end;

def faults($schema; $root; $where):
	if $schema["$ref"] then faults($root.definitions[$schema["$ref"] | ltrimstr("#/definitions/")]; $root; $where)
	else
		. as $value |
		(if $schema.type and (is_type($schema.type) | not) then "\($where): not of type \($schema.type)" else empty end),
		(if $schema | has("const") and .const != $value then "\($where): not \($schema.const)" else empty end),
		(if $schema.enum and ([$value] | inside($schema.enum) | not) then "\($where): none of \($schema.enum)" else empty end),
		(if $schema.pattern and type == "string" and (test($schema.pattern) | not) then "\($where): does not match \($schema.pattern)" else empty end),
		(if $schema.minimum and . < $schema.minimum then "\($where): less than \($schema.minimum)" else empty end),
		(if $schema.maximum and . > $schema.maximum then "\($where): more than \($schema.maximum)" else empty end),
		(if type == "object" then
			(($schema.required // [])[] | select(. as $name | $value | has($name) | not) | "\($where): no member \(.)"),
			(to_entries[] | .key as $name | .value |
				if $schema.properties[$name]? then faults($schema.properties[$name]; $root; "\($where).\($name)")
				elif $schema.additionalProperties then faults($schema.additionalProperties; $root; "\($where).\($name)")
				elif $schema.properties then "\($where).\($name): not in the schema"
				else empty end)
		else empty end),
		(if type == "array" and $schema.items then
			to_entries[] | .key as $i | .value | faults($schema.items; $root; "\($where)[\($i)]")
		else empty end)
	end;

(reduce $schemas[] as $s ({}; .[$s.properties.kind.const] = $s)) as $by_kind |
inputs | (.kind? // "without kind") as $kind |
if $by_kind[$kind] then faults($by_kind[$kind]; $by_kind[$kind]; $kind) else "no schema for a record \($kind)" end
