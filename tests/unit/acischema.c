// The manifest's schema, as a table of changes to a good manifest and what is said about each.
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/jsonio.h"
#include "base/mem.h"
#include "image/aci.h"
#include "image/isolator.h"

#define ID                                                                                                                       \
	"sha512-"                                                                                                                \
	"0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000" \
	"0000000000"

// JSON is easier to read here with ' for ".
static json_t *parse(const char *text)
{
	mem_auto char *copy = mem_text(text);
	for (char *at = copy; (at = strchr(at, '\''));)
		*at = '"';
	struct err e = { 0 };
	json_t *value = jsonio_parse(copy, strlen(copy), "case", &e);
	if (!value)
		fail_msg("%s: %s", e.text, text);
	return value;
}

static const char good[] =
	"{'acKind':'ImageManifest','acVersion':'0.8.11','name':'example.com/hello',"
	"'labels':[{'name':'version','value':'1.0.0'},{'name':'os','value':'linux'},{'name':'arch','value':'amd64'}],"
	"'app':{'exec':['/bin/hello','-x'],'user':'0','group':'0'}}";

struct change {
	const char *change; // merged into the good manifest
	const char *says;   // part of the message; NULL when it is still good
};

// rkt:I-010 rkt:T-001 rkt:T-006 rkt:T-007
static const struct change heads[] = {
	{ "{}", NULL },
	{ "{'acKind':'PodManifest'}", "manifest: acKind: not ImageManifest" },
	{ "{'acKind':null}", "manifest: acKind: missing" },
	{ "{'acKind':7}", "manifest: acKind: not a string" },
	{ "{'acVersion':'0.8.11+git'}", NULL },
	{ "{'acVersion':'0.1.0-rc.1+b.007'}", NULL },
	{ "{'acVersion':'1.0.0'}", "acVersion: a major version that is not known: 1.0.0" },
	{ "{'acVersion':'0.8'}", "acVersion: not a version" },
	{ "{'acVersion':'0.08.1'}", "acVersion: not a version" },
	{ "{'acVersion':'0.8.1-01'}", "acVersion: not a version" },
	{ "{'acVersion':'0.8.1-'}", "acVersion: not a version" },
	{ "{'acVersion':'v0.8.1'}", "acVersion: not a version" },
	{ "{'acVersion':''}", "acVersion: not a version" },
	{ "{'acVersion':'0.8.1\\n'}", "acVersion: not a version" },
	{ "{'acVersion':null}", "acVersion: missing" },
	{ "{'name':null}", "manifest: name: missing" },
	{ "{'name':'example.com/Hello'}", "manifest: name: not an AC Identifier: 'example.com/Hello'" },
	{ "{'name':'a\\n'}", "name: not an AC Identifier" },
	{ "{'name':'a//b'}", "name: not an AC Identifier" },
	{ "{'name':''}", "name: not an AC Identifier" },
	{ "{'name':'example.com/user/~app'}", "name: not an AC Identifier" },
	{ "{'name':'sub-domain.example.com/org/app_v1'}", NULL },
};

// rkt:I-011
static const struct change labels[] = {
	{ "{'labels':[]}", NULL },
	{ "{'labels':{}}", "labels: not an array" },
	{ "{'labels':[{'name':'a','value':''}]}", NULL },
	{ "{'labels':[{'name':'a'}]}", "labels[0].value: missing" },
	{ "{'labels':[{'name':'a','value':1}]}", "labels[0].value: not a string" },
	{ "{'labels':[{'name':'A','value':''}]}", "labels[0].name: not an AC Identifier: 'A'" },
	{ "{'labels':[{'name':'name','value':'x'}]}", "labels[0].name: a label cannot be called name" },
	{ "{'labels':[{'name':'a','value':'1'},{'name':'a','value':'1'}]}", "labels[1].name: 'a' is there twice" },
	{ "{'labels':[{'name':'os','value':'linux'}]}", NULL },
	{ "{'labels':[{'name':'os','value':'plan9'}]}", "labels: not an operating system" },
	{ "{'labels':[{'name':'arch','value':'amd64'}]}", "labels: arch without os" },
	{ "{'labels':[{'name':'os','value':'linux'},{'name':'arch','value':'x86_64'}]}", "linux/x86_64" },
	{ "{'labels':[{'name':'os','value':'linux'},{'name':'arch','value':'arm64'}]}", "linux/arm64" },
	{ "{'labels':[{'name':'os','value':'linux'},{'name':'arch','value':'riscv64'}]}", "linux/riscv64" },
	{ "{'labels':[{'name':'os','value':'linux'},{'name':'arch','value':'aarch64'}]}", NULL },
	{ "{'labels':[{'name':'os','value':'linux'},{'name':'arch','value':'armv7b'}]}", NULL },
	{ "{'labels':[{'name':'os','value':'freebsd'},{'name':'arch','value':'arm'}]}", NULL },
	{ "{'labels':[{'name':'os','value':'darwin'},{'name':'arch','value':'x86_64'}]}", NULL },
	{ "{'labels':[{'name':'os','value':'darwin'},{'name':'arch','value':'amd64'}]}", "darwin/amd64" },
};

// rkt:I-012 rkt:I-016 rkt:I-017 rkt:I-018 rkt:I-019 rkt:T-002 as far as the manifest goes
static const struct change apps[] = {
	{ "{'app':null}", NULL },
	{ "{'app':[]}", "app: not an object" },
	{ "{'app':{'exec':null}}", NULL },
	{ "{'app':{'exec':[]}}", "app.exec: empty" },
	{ "{'app':{'exec':['']}}", "app.exec: empty" },
	{ "{'app':{'exec':'/bin/sh'}}", "app.exec: not an array" },
	{ "{'app':{'exec':['sh',1]}}", "app.exec[1]: not a string" },
	{ "{'app':{'user':null}}", "app.user: missing" },
	{ "{'app':{'user':0}}", "app.user: not a string" },
	{ "{'app':{'group':''}}", "app.group: empty" },
	{ "{'app':{'supplementaryGIDs':[0,4294967294]}}", NULL },
	{ "{'app':{'supplementaryGIDs':[-1]}}", "app.supplementaryGIDs[0]: not from 0" },
	{ "{'app':{'supplementaryGIDs':[4294967295]}}", "app.supplementaryGIDs[0]: not from 0" },
	{ "{'app':{'supplementaryGIDs':['1']}}", "app.supplementaryGIDs[0]: not from 0" },
	{ "{'app':{'eventHandlers':[{'name':'pre-start','exec':['/a']},{'name':'post-stop','exec':['/b']}]}}", NULL },
	{ "{'app':{'eventHandlers':[{'name':'pre-start','exec':['/a']},{'name':'pre-start','exec':['/b']}]}}",
		"app.eventHandlers[1].name: 'pre-start' is there twice" },
	{ "{'app':{'eventHandlers':[{'name':'post-start','exec':['/a']}]}}", "eventHandlers[0].name: neither" },
	{ "{'app':{'eventHandlers':[{'name':'pre-start'}]}}", "eventHandlers[0].exec: missing" },
	{ "{'app':{'eventHandlers':[{'name':'pre-start','exec':[]}]}}", "eventHandlers[0].exec: empty" },
	{ "{'app':{'workingDirectory':'/'}}", NULL },
	{ "{'app':{'workingDirectory':'tmp'}}", "app.workingDirectory: not an absolute path" },
	{ "{'app':{'workingDirectory':''}}", "app.workingDirectory: not an absolute path" },
	{ "{'app':{'environment':[{'name':'A_b-c.1','value':'$X\\n='}]}}", NULL },
	{ "{'app':{'environment':[{'name':'A B','value':''}]}}", "app.environment[0].name: not of letters" },
	{ "{'app':{'environment':[{'name':'A=B','value':''}]}}", "app.environment[0].name: not of letters" },
	{ "{'app':{'environment':[{'name':'','value':''}]}}", "app.environment[0].name: not of letters" },
	{ "{'app':{'environment':[{'name':'A'}]}}", "app.environment[0].value: missing" },
	{ "{'app':{'environment':[{'name':'A','value':''},{'name':'A','value':''}]}}",
		"environment[1].name: 'A' is there twice" },
	{ "{'app':{'mountPoints':[{'name':'work','path':'/w','readOnly':true}]}}", NULL },
	{ "{'app':{'mountPoints':[{'name':'Work','path':'/w'}]}}", "mountPoints[0].name: not an AC Name: 'Work'" },
	{ "{'app':{'mountPoints':[{'name':'a.b','path':'/w'}]}}", "mountPoints[0].name: not an AC Name" },
	{ "{'app':{'mountPoints':[{'name':'work','path':'w'}]}}", "mountPoints[0].path: not an absolute path" },
	{ "{'app':{'mountPoints':[{'name':'work'}]}}", "mountPoints[0].path: missing" },
	{ "{'app':{'mountPoints':[{'name':'work','path':'/w','readOnly':'yes'}]}}",
		"mountPoints[0].readOnly: not true or false" },
	{ "{'app':{'ports':[{'name':'http','protocol':'tcp','port':80,'count':2,'socketActivated':false}]}}", NULL },
	{ "{'app':{'ports':[{'name':'http','protocol':'tcp','port':80},{'name':'b','protocol':'tcp','port':0}]}}",
		"manifest: app.ports[1].port: not from 1 to 65535" },
	{ "{'app':{'ports':[{'name':'a','protocol':'tcp','port':65536}]}}", "ports[0].port: not from 1 to 65535" },
	{ "{'app':{'ports':[{'name':'a','protocol':'tcp','port':80.0}]}}", "ports[0].port: not from 1 to 65535" },
	{ "{'app':{'ports':[{'name':'a','protocol':'tcp','port':1,'count':0}]}}", "ports[0].count: not from 1 to 65535" },
	{ "{'app':{'ports':[{'name':'a','protocol':'tcp','port':65535,'count':2}]}}", "ports[0]: the range of ports ends above" },
	{ "{'app':{'ports':[{'name':'a','port':1}]}}", "ports[0].protocol: missing" },
	{ "{'app':{'ports':[{'name':'a','protocol':'tcp','port':1,'socketActivated':1}]}}",
		"socketActivated: not true or false" },
	{ "{'app':{'userAnnotations':{'Any key!':'v'},'userLabels':{}}}", NULL },
	{ "{'app':{'userAnnotations':{'k':1}}}", "app.userAnnotations: 'k' is not a string" },
	{ "{'app':{'userLabels':[]}}", "app.userLabels: not an object" },
};

// rkt:I-020 rkt:I-021 rkt:I-036 rkt:T-003 rkt:T-005 rkt:U-14
static const struct change others[] = {
	{ "{'dependencies':[{'imageName':'a/b','imageID':'" ID "','labels':[{'name':'os','value':'linux'}],'size':22017258}]}",
		NULL },
	{ "{'dependencies':[{}]}", "dependencies[0].imageName: missing" },
	{ "{'dependencies':[{'imageName':'a','imageID':'sha512-00'}]}", "dependencies[0].imageID: not sha512-" },
	{ "{'dependencies':[{'imageName':'a','size':-1}]}", "dependencies[0].size: not from 0" },
	{ "{'dependencies':[{'imageName':'a','labels':[{'name':'arch','value':'amd64'}]}]}",
		"dependencies[0].labels: arch without os" },
	{ "{'pathWhitelist':['/etc/a..b','/etc/systemd/system/']}", NULL },
	{ "{'pathWhitelist':['etc']}", "pathWhitelist[0]: not an absolute path" },
	{ "{'pathWhitelist':['/a','/../etc']}", "pathWhitelist[1]: a path with `..`" },
	{ "{'pathWhitelist':['/a/..']}", "pathWhitelist[0]: a path with `..`" },
	{ "{'pathWhitelist':[1]}", "pathWhitelist[0]: not a string" },
	{ "{'annotations':[{'name':'created','value':'2014-10-27T19:32:27.67021798Z'},{'name':'homepage','value':'https://"
	  "e.com'},"
	  "{'name':'documentation','value':'HTTP://e.com/a?b'},{'name':'authors','value':''}]}",
		NULL },
	{ "{'annotations':[{'name':'created','value':'2014-10-27 19:32:27Z'}]}", "annotations[0]: created is not a time" },
	{ "{'annotations':[{'name':'homepage','value':'ftp://e.com'}]}", "annotations[0]: homepage is not an http" },
	{ "{'annotations':[{'name':'documentation','value':'https://'}]}", "annotations[0]: documentation is not an http" },
	{ "{'annotations':[{'name':'documentation','value':'https://e.com/\\r\\nX: y'}]}", "documentation is not an http" },
	{ "{'annotations':[{'name':'a','value':''},{'name':'a','value':''}]}", "annotations[1].name: 'a' is there twice" },
	{ "{'annotations':[{'name':'a b','value':''}]}", "annotations[0].name: not an AC Identifier" },
	{ "{'futureField':{'x':[1]},'labels':[{'name':'a','value':'','more':1}]}", NULL },
};

// rkt:T-004 rkt:H-002 rkt:H-004 rkt:H-006; each is the list of isolators of an app
static const struct change isolators[] = {
	{ "[]", NULL },
	{ "[{'name':'example.com/own','value':[1]}]", NULL },
	{ "[{'name':'Own','value':1}]", "app.isolators[0].name: not an AC Identifier" },
	{ "[{'name':'a'}]", "app.isolators[0].value: missing" },
	{ "[{'value':1}]", "app.isolators[0].name: missing" },
	{ "[1]", "app.isolators[0]: not an object" },
	{ "[{'name':'resource/cpu','value':{'request':'250m','limit':'0.5'}}]", NULL },
	{ "[{'name':'resource/cpu','value':{'limit':500}}]", "isolators[0].value.limit: not a string" },
	{ "[{'name':'resource/memory','value':{'limit':'1Q'}}]", "isolators[0].value.limit: not a quantity" },
	{ "[{'name':'resource/memory','value':{'limit':'-1'}}]", "isolators[0].value.limit: not a quantity" },
	{ "[{'name':'resource/memory','value':{'limit':'10E'}}]", "isolators[0].value.limit: not a quantity" },
	{ "[{'name':'resource/memory','value':{}}]", "isolators[0].value: neither request nor limit" },
	{ "[{'name':'resource/block-iops','value':{'limit':'1','default':false}}]", "isolators[0].value.default: not true" },
	{ "[{'name':'resource/network-bandwidth','value':{'limit':'1G'}}]", "isolators[0].value.default: missing" },
	{ "[{'name':'resource/cpu','value':{'limit':'1'}},{'name':'resource/cpu','value':{'limit':'1'}}]",
		"resource/cpu is there twice" },
	{ "[{'name':'os/linux/capabilities-retain-set','value':{'set':['CAP_CHOWN','CAP_SYS_ADMIN']}}]", NULL },
	{ "[{'name':'os/linux/capabilities-retain-set','value':{'set':['CAP_FLY']}}]",
		"value.set[0]: not a capability: 'CAP_FLY'" },
	{ "[{'name':'os/linux/capabilities-remove-set','value':{}}]", "isolators[0].value.set: missing" },
	{ "[{'name':'os/linux/capabilities-remove-set','value':{'set':[]}},"
	  "{'name':'os/linux/capabilities-retain-set','value':{'set':[]}}]",
		"exclude each other" },
	{ "[{'name':'os/linux/seccomp-retain-set','value':{'set':['@appc.io/all'],'errno':''}}]", NULL },
	{ "[{'name':'os/linux/seccomp-remove-set','value':{'set':[]}}]", "isolators[0].value.set: empty" },
	{ "[{'name':'os/linux/seccomp-remove-set','value':{'set':['a']}},"
	  "{'name':'os/linux/seccomp-retain-set','value':{'set':['a']}}]",
		"exclude each other" },
	{ "[{'name':'os/linux/no-new-privileges','value':'yes'}]", "isolators[0].value: not true or false" },
	{ "[{'name':'os/linux/selinux-context','value':{'user':'u','role':'r','type':'t'}}]",
		"isolators[0].value.level: missing" },
};

static void expect(json_t *manifest, const struct change *c)
{
	struct err e = { 0 };
	int failed = aci_check_manifest(manifest, &e);
	if (!failed != !c->says || (failed && !strstr(e.text, c->says)))
		fail_msg("%s: expected '%s', found '%s'", c->change, c->says ? c->says : "", e.text);
	assert_int_equal(e.status, failed ? STATUS_MALFORMED : STATUS_OK);
	json_decref(manifest);
}

static void expect_changes(const struct change *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		json_t *manifest = parse(good);
		jsonio_auto json_t *change = parse(cases[i].change);
		assert_int_equal(json_object_update_recursive(manifest, change), 0);
		expect(manifest, &cases[i]);
	}
}

static void manifests(void **unused)
{
	(void)unused;
	expect_changes(heads, ARRAY_LENGTH(heads));
	expect_changes(labels, ARRAY_LENGTH(labels));
	expect_changes(apps, ARRAY_LENGTH(apps));
	expect_changes(others, ARRAY_LENGTH(others));
	expect(parse("[]"), &(struct change){ "[]", "manifest: not an object" });
}

static void isolator_lists(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < ARRAY_LENGTH(isolators); i++) {
		json_t *manifest = parse(good);
		json_object_set_new(json_object_get(manifest, "app"), "isolators", parse(isolators[i].change));
		expect(manifest, &isolators[i]);
	}
}

static void too_many_dependencies_are_a_limit(void **unused)
{
	(void)unused;
	jsonio_auto json_t *manifest = parse(good);
	json_t *list = json_array();
	for (int i = 0; i < 10000; i++)
		json_array_append_new(list, json_pack("{s:s}", "imageName", "a"));
	json_object_set_new(manifest, "dependencies", list);
	struct err e = { 0 };
	assert_int_equal(aci_check_manifest(manifest, &e), -1);
	assert_int_equal(e.status, STATUS_LIMIT);
}

static void warnings_never_hide_an_error(void **unused)
{
	(void)unused;
	jsonio_auto json_t *manifest = parse(good);
	json_t *app = json_object_get(manifest, "app");
	for (int i = 0; i < 3 * FINDINGS_MAX; i++) {
		mem_auto char *key = mem_format("unknown%d", i);
		json_object_set_new(app, key, json_null());
		json_object_set_new(app, key, json_true());
	}
	json_object_set_new(manifest, "pathWhitelist", json_pack("[s]", "relative"));
	struct findings findings = { 0 };
	aci_check(manifest, &findings);
	assert_int_equal(findings.warnings, FINDINGS_MAX + 1);
	assert_int_equal(findings.errors, 1);
	findings_free(&findings);
	struct err e = { 0 };
	assert_int_equal(aci_check_manifest(manifest, &e), -1);
}

static void names_and_labels(void **unused)
{
	(void)unused;
	jsonio_auto json_t *manifest = parse(good);
	jsonio_auto json_t *set = aci_labels(manifest);
	jsonio_auto json_t *wanted = parse("{'version':'1.0.0','os':'linux','arch':'amd64'}");
	assert_string_equal(aci_name(manifest), "example.com/hello");
	assert_true(json_equal(set, wanted));
}

static void quantities(void **unused)
{
	(void)unused;
	static const struct {
		const char *text;
		int64_t scale, value; // -1 for not a quantity
	} cases[] = {
		{ "128974848", 1, 128974848 },
		{ "125952Ki", 1, 128974848 },
		{ "123Mi", 1, 128974848 },
		{ "1.5G", 1, 1500000000 },
		{ "0.3", 1000, 300 },
		{ "250m", 1000, 250 },
		{ "1", 1000, 1000 },
		{ "0", 1, 0 },
		{ "0.5", 1, 1 },
		{ "1m", 1, 1 },
		{ "8E", 1, 8000000000000000000 },
		{ "7Ei", 1, 8070450532247928832 },
		{ "9223372036854775807", 1, INT64_MAX },
		{ "9223372036854775808", 1, -1 },
		{ "922337203685477580", 1, 922337203685477580 },
		{ "10E", 1, -1 },
		{ "8Ei", 1, -1 },
		{ "9.3E", 1, -1 },
		{ "", 1, -1 },
		{ ".5", 1, -1 },
		{ "1.", 1, -1 },
		{ "1..2", 1, -1 },
		{ "-1", 1, -1 },
		{ "+1", 1, -1 },
		{ "1e3", 1, -1 },
		{ "1 G", 1, -1 },
		{ "1Gi ", 1, -1 },
		{ "1mi", 1, -1 },
		{ "1GiB", 1, -1 },
		{ "1g", 1, -1 },
		{ "0x10", 1, -1 },
		{ "8E", 1000, -1 },
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		int64_t value = -1;
		bool fits = isolator_quantity(cases[i].text, cases[i].scale, &value);
		if (fits != (cases[i].value >= 0) || (fits && value != cases[i].value))
			fail_msg("%s: expected %lld, found %lld", cases[i].text, (long long)cases[i].value, (long long)value);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(manifests),
		cmocka_unit_test(isolator_lists),
		cmocka_unit_test(too_many_dependencies_are_a_limit),
		cmocka_unit_test(warnings_never_hide_an_error),
		cmocka_unit_test(names_and_labels),
		cmocka_unit_test(quantities),
	};
	return cmocka_run_group_tests_name("acischema", tests, NULL, NULL);
}
