// yamlio.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <stdbool.h>
#include <string.h>

#include "base/yamlio.h"

#define DEPTH_MAX 64 // as jsonio.h has it; the time that libyaml takes grows with the square of the depth

// What else is wrong with the document is said when its tree is made.
static int check_depth(const char *text, size_t length, const char *subject, struct err *e)
{
	yaml_parser_t parser;
	yaml_event_t event;
	int depth = 0;
	bool more = yaml_parser_initialize(&parser);
	if (!more)
		return err_set(e, STATUS_SYSTEM, "%s: cannot start libyaml", subject);
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, length);
	while (more && depth <= DEPTH_MAX && yaml_parser_parse(&parser, &event)) {
		depth += event.type == YAML_SEQUENCE_START_EVENT || event.type == YAML_MAPPING_START_EVENT;
		depth -= event.type == YAML_SEQUENCE_END_EVENT || event.type == YAML_MAPPING_END_EVENT;
		more = event.type != YAML_DOCUMENT_END_EVENT && event.type != YAML_STREAM_END_EVENT;
		yaml_event_delete(&event);
	}
	yaml_parser_delete(&parser);
	return depth <= DEPTH_MAX ? 0 : err_set(e, STATUS_LIMIT, "%s: YAML nested deeper than %d levels", subject, DEPTH_MAX);
}

int yamlio_parse(const char *text, size_t length, const char *subject, yaml_document_t *document, struct err *e)
{
	yaml_parser_t parser;
	if (check_depth(text, length, subject, e) < 0)
		return -1;
	if (!yaml_parser_initialize(&parser))
		return err_set(e, STATUS_SYSTEM, "%s: cannot start libyaml", subject);
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, length);
	int failed = yaml_parser_load(&parser, document)
		? 0
		: err_set(e, STATUS_MALFORMED, "%s: line %zu: %s", subject, parser.problem_mark.line + 1,
			  parser.problem ? parser.problem : "not YAML");
	yaml_parser_delete(&parser);
	return failed;
}

const yaml_node_t *yamlio_member(yaml_document_t *document, const yaml_node_t *mapping, const char *name)
{
	if (!mapping || mapping->type != YAML_MAPPING_NODE)
		return NULL;
	for (yaml_node_pair_t *pair = mapping->data.mapping.pairs.start; pair < mapping->data.mapping.pairs.top; pair++) {
		const char *key = yamlio_text(yaml_document_get_node(document, pair->key));
		if (key && !strcmp(key, name))
			return yaml_document_get_node(document, pair->value);
	}
	return NULL;
}

const char *yamlio_text(const yaml_node_t *node)
{
	if (!node || node->type != YAML_SCALAR_NODE)
		return NULL;
	const char *text = (const char *)node->data.scalar.value;
	return strlen(text) == node->data.scalar.length ? text : NULL;
}
