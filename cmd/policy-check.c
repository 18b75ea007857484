// policy-check - let an image record pass when jq programs allow it
// SPDX-License-Identifier: Apache-2.0
//
// stdin: an image record. stdout: the same record, byte for byte what it said, when every policy yields true or {"allow": true};
// 1 when one does not, fails, or yields nothing. A policy sees the record and its --arg values, and runs in a process that can open
// nothing (jq manual; policy-check(1)).
#include <fcntl.h>
#include <jq.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/cmd.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/msg.h"
#include "base/path.h"
#include "base/record.h"
#include "base/sandbox.h"
#include "image/image.h"

#define PROGRAM_MAX ((size_t)1 << 20)   // bytes of a policy: it is written by hand
#define VERDICT_MAX ((size_t)64 << 10)  // bytes of what it yields: a sentence for people
#define MEMORY_MAX  ((rlim_t)512 << 20) // bytes of address space, libraries included, for an evaluation

// What the child says in place of a verdict.
#define TIMED_OUT     "T"
#define OUT_OF_MEMORY "M"

static struct {
	struct texts policies;
	struct texts arguments;
	int64_t max_time;
} user = { .max_time = 10000 };

static const struct cmd_option options[] = {
	CMD_TEXTS(0, "policy", "FILE", &user.policies,
		"a jq program, or the name of one in share/policy; repeatable; require-signed unless told"),
	CMD_TEXTS(0, "arg", "NAME=VALUE", &user.arguments, "$NAME and $ARGS.named.NAME in the policies; repeatable"),
	CMD_DURATION(0, "max-time", &user.max_time, "how long one policy may run; 10s unless told"),
	CMD_END,
};

static const struct cmd cmd = {
	.name = "policy-check",
	.operands = "",
	.summary = "let an image record pass when jq programs allow it",
	.reads = CMD_RECORD,
	.writes = CMD_RECORD,
	.options = options,
};

struct policy {
	const char *name;      // as the user said it
	struct buf program;    // jq
	const char *record;    // what it judges, as JSON
	const char *arguments; // an object, as JSON
	int silence;           // /dev/null
};

// ---- the child: libjq, confined ----

static int verdict_fd; // for the two ways out that have no other way to say so

static void out_of_time(int signal)
{
	(void)signal;
	if (write(verdict_fd, TIMED_OUT, 1) < 0)
		_exit(STATUS_SYSTEM);
	_exit(STATUS_OK);
}

static void out_of_memory(void *unused)
{
	(void)unused;
	if (write(verdict_fd, OUT_OF_MEMORY, 1) < 0)
		_exit(STATUS_SYSTEM);
	_exit(STATUS_OK);
}

static void collect(void *context, jv message)
{
	struct buf *remarks = context;
	if (jv_get_kind(message) == JV_KIND_STRING && remarks->length < ERR_TEXT_MAX) {
		buf_add_text(remarks, remarks->length ? "; " : "");
		buf_add_text(remarks, jv_string_value(message));
	}
	jv_free(message);
}

static void ignore(void *context, jv message)
{
	(void)context;
	jv_free(message);
}

// jq_init leaves this callback undefined, and `input` calls it.
static jv no_input(jq_state *jq, void *context)
{
	(void)jq;
	(void)context;
	return jv_invalid();
}

// Nothing of the user's is in reach of the program: no environment, no modules, no ~/.jq, no stderr.
static void limit(const struct policy *p, int out)
{
	static char *no_environment[] = { NULL }; // not clearenv, whose NULL libjq reads through
	verdict_fd = out;
	environ = no_environment;
	dup2(p->silence, STDERR_FILENO);
#ifndef __SANITIZE_ADDRESS__ // which reserves terabytes
	struct rlimit memory = { MEMORY_MAX, MEMORY_MAX };
	setrlimit(RLIMIT_AS, &memory);
#endif
	struct rlimit none = { 0, 0 };
	setrlimit(RLIMIT_CORE, &none);
	signal(SIGALRM, out_of_time);
	struct itimerval timer = { .it_value = { user.max_time / 1000, user.max_time % 1000 * 1000 } };
	setitimer(ITIMER_REAL, &timer, NULL);
}

static jq_state *compile(const struct policy *p, struct err *e)
{
	buf_auto remarks = { 0 };
	jq_state *jq = jq_init();
	if (!jq) {
		err_set(e, STATUS_SYSTEM, "policy '%s': cannot start jq", p->name);
		return NULL;
	}
	jq_set_nomem_handler(jq, out_of_memory, NULL);
	jq_set_error_cb(jq, collect, &remarks);
	jq_set_debug_cb(jq, ignore, NULL);
	jq_set_input_cb(jq, no_input, NULL);
	jq_set_attr(jq, jv_string("JQ_ORIGIN"), jv_string("/nonexistent"));
	jq_set_attr(jq, jv_string("PROGRAM_ORIGIN"), jv_string("/nonexistent"));
	jq_set_attr(jq, jv_string("JQ_LIBRARY_PATH"), jv_array());
	int compiled = jq_compile_args(jq, buf_text(&p->program), jv_parse(p->arguments));
	jq_set_error_cb(jq, ignore, NULL);
	if (compiled)
		return jq;
	err_set(e, STATUS_USAGE, "policy '%s': not a jq program: %s", p->name, buf_text(&remarks));
	jq_teardown(&jq);
	return NULL;
}

// Why a program ended without a value. Consumes result.
static int no_value(const struct policy *p, jq_state *jq, jv result, struct err *e)
{
	if (jq_halted(jq))
		err_set(e, STATUS_REFUSED, "policy '%s': refused: it halted", p->name);
	else if (jv_invalid_has_msg(jv_copy(result))) {
		jv message = jv_invalid_get_msg(jv_copy(result));
		jv text = jv_get_kind(message) == JV_KIND_STRING ? message : jv_dump_string(message, 0);
		err_set(e, STATUS_REFUSED, "policy '%s': refused: it failed: %s", p->name, jv_string_value(text));
		jv_free(text);
	} else
		err_set(e, STATUS_REFUSED, "policy '%s': refused: it yields nothing", p->name);
	jv_free(result);
	return -1;
}

// One value, and no second one behind it.
static int run(const struct policy *p, jq_state *jq, int out, struct err *e)
{
	jq_start(jq, jv_parse(p->record), 0);
	jv result = jq_next(jq);
	if (!jv_is_valid(result))
		return no_value(p, jq, result, e);
	jv second = jq_next(jq);
	bool ended = !jv_is_valid(second) && !jq_halted(jq) && !jv_invalid_has_msg(jv_copy(second));
	jv_free(second);
	if (!ended) {
		jv_free(result);
		return err_set(e, STATUS_REFUSED, "policy '%s': refused: it yields more than one value", p->name);
	}
	jv text = jv_dump_string(result, 0);
	int failed = io_write_all(out, jv_string_value(text), (size_t)jv_string_length_bytes(jv_copy(text)));
	jv_free(text);
	return failed ? err_system(e, "policy '%s': cannot answer", p->name) : 0;
}

static int evaluate(void *context, int out, struct err *e)
{
	const struct policy *p = context;
	limit(p, out);
	jq_state *jq = compile(p, e);
	if (!jq)
		return -1;
	int failed = run(p, jq, out, e);
	jq_teardown(&jq);
	return failed;
}

// ---- the verdict ----

static int decide(const struct policy *p, const json_t *verdict, struct err *e)
{
	const char *rule = json_string_value(json_object_get(verdict, "rule"));
	const char *message = json_string_value(json_object_get(verdict, "message"));
	const json_t *allow = json_is_object(verdict) ? json_object_get(verdict, "allow") : verdict;
	if (!json_is_boolean(allow))
		return err_set(e, STATUS_REFUSED, "policy '%s': refused: expected true, false or an object with allow", p->name);
	if (json_is_true(allow)) {
		msg_verbose("policy '%s': allowed by rule '%s': %s", p->name, rule ? rule : p->name, message ? message : "yes");
		return 0;
	}
	return err_set(e, STATUS_REFUSED, "policy '%s': refused by rule '%s': %s", p->name, rule ? rule : p->name,
		message ? message : "the record does not satisfy it");
}

static int policy_check(struct policy *p, struct err *e)
{
	buf_auto answer = { 0 };
	if (sandbox_child(evaluate, p, VERDICT_MAX, &answer, e) < 0)
		return e->status == STATUS_MALFORMED ? err_set(e, STATUS_REFUSED, "policy '%s': refused: it broke jq", p->name)
						     : -1;
	if (!strcmp(buf_text(&answer), TIMED_OUT))
		return err_set(e, STATUS_TIMEOUT, "policy '%s': no verdict within %g s", p->name, (double)user.max_time / 1000);
	if (!strcmp(buf_text(&answer), OUT_OF_MEMORY))
		return err_set(e, STATUS_LIMIT, "policy '%s': it needs more than %llu MiB of memory", p->name,
			(unsigned long long)(MEMORY_MAX >> 20));
	jsonio_auto json_t *verdict = jsonio_parse(buf_text(&answer), answer.length, "what it yields", e);
	if (!verdict) {
		e->status = STATUS_REFUSED;
		return err_context(e, "policy '%s'", p->name);
	}
	return decide(p, verdict, e);
}

// ---- what the user said ----

// {"registries":"a,b","ARGS":{"named":{...},"positional":[]}}, as jq(1) gives --arg to a program.
static char *read_arguments(void)
{
	jsonio_auto json_t *named = json_object();
	for (size_t i = 0; i < user.arguments.count; i++) {
		const char *argument = user.arguments.items[i];
		size_t n = strspn(argument, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
		if (!n || argument[n] != '=' || (*argument >= '0' && *argument <= '9') || !strncmp(argument, "ARGS=", 5))
			cmd_usage("option --arg: '%s' is not NAME=VALUE", argument);
		mem_auto char *name = mem_text_n(argument, n);
		json_t *value = json_string(argument + n + 1);
		if (!value || json_object_get(named, name)) {
			json_decref(value);
			cmd_usage("option --arg: '%s' is given twice, or its value is not UTF-8", name);
		}
		json_object_set_new(named, name, value);
	}
	jsonio_auto json_t *all = json_copy(named);
	json_object_set_new(all, "ARGS", json_pack("{s:O, s:[]}", "named", named, "positional"));
	return jsonio_text(all);
}

static int read_program(const char *name, struct buf *program, struct err *e)
{
	mem_auto char *share = path_share();
	bool shipped = !strchr(name, '/') && !strstr(name, ".jq");
	mem_auto char *path = shipped ? mem_format("%s/policy/%s.jq", share, name) : mem_text(name);
	return io_read_file(path, PROGRAM_MAX, program, e);
}

static int read_programs(struct policy *policies, struct err *e)
{
	for (size_t i = 0; i < user.policies.count; i++) {
		policies[i].name = user.policies.items[i];
		if (read_program(policies[i].name, &policies[i].program, e) < 0)
			return -1;
		if (memchr(buf_text(&policies[i].program), '\0', policies[i].program.length))
			return err_set(e, STATUS_USAGE, "policy '%s': not a jq program: it has a NUL", policies[i].name);
	}
	return 0;
}

static int check_all(struct policy *policies, const json_t *record, const char *arguments, int silence, struct err *e)
{
	mem_auto char *text = jsonio_text(record);
	for (size_t i = 0; i < user.policies.count; i++) {
		policies[i].record = text;
		policies[i].arguments = arguments;
		policies[i].silence = silence;
		if (policy_check(&policies[i], e) < 0)
			return -1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct err e = { 0 };
	struct sandbox sandbox = { .fork = true };
	cmd_start(&cmd, argc, argv);
	mem_auto char *arguments = read_arguments();
	if (!user.policies.count)
		texts_add(&user.policies, "require-signed");
	static struct policy *policies;
	policies = mem_alloc(user.policies.count * sizeof *policies);
	io_auto int silence = open("/dev/null", O_WRONLY | O_CLOEXEC);
	if (read_programs(policies, &e) < 0 || sandbox_enter(&sandbox, &e) < 0)
		return cmd_fail(&e);
	jsonio_auto json_t *record = image_read("image", &e);
	if (!record || check_all(policies, record, arguments, silence, &e) < 0)
		return cmd_fail(&e);
	record_write(record);
	for (size_t i = 0; i < user.policies.count; i++)
		buf_free(&policies[i].program);
	free(policies);
	texts_free(&user.policies);
	texts_free(&user.arguments);
	return cmd_finish();
}
