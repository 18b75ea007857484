# tackle: make [all], check, check-real, lint, asan, fuzz, bench, demo, install DESTDIR= prefix=, dist, docker-check, peers, clean. A new
# program is one file in cmd/, its page in man/ and its test in tests/: no list to edit.
# SPDX-License-Identifier: Apache-2.0

VERSION = 0.1.0
prefix = /usr/local
bindir = $(prefix)/bin
libexecdir = $(prefix)/libexec/tackle
datadir = $(prefix)/share/tackle
mandir = $(prefix)/share/man

B = build
CC = gcc
CFLAGS = -O2 -g
WARNINGS = -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wwrite-strings -Wvla \
	-Wconversion -Wno-sign-conversion -Wformat=2 -Wimplicit-fallthrough -Wno-format-truncation -Werror
HARDENING = -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fPIE
CPPFLAGS += -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -Icommon -I$(B)/gen -DTACKLE_VERSION='"$(VERSION)"' -DTACKLE_SHARE_DIR='"$(datadir)"'
ALL_CFLAGS = -std=gnu17 $(CPPFLAGS) $(HARDENING) $(CFLAGS) $(WARNINGS) $(PKG_CFLAGS) $(SANITIZE) -pthread
LDFLAGS += -pie -Wl,-z,relro,-z,now,-z,noexecstack -Wl,--gc-sections -Wl,--as-needed

# Every program is offered all of them and links those it uses.
PACKAGES = jansson libcrypto libcurl libsodium libzstd liblzma libisal zlib libcap libmnl libmicrohttpd
# Headers alone: what they declare is loaded when it is used.
P11_KIT := $(shell pkg-config --exists p11-kit-1 && echo -DHAVE_P11_KIT `pkg-config --cflags p11-kit-1`)
PKG_CFLAGS := $(shell pkg-config --cflags $(PACKAGES)) $(P11_KIT)
LIBS := $(shell pkg-config --libs $(PACKAGES)) -lgumbo -ljq -lbz2 -lyaml

SOURCES := $(filter-out %-gen.c,$(wildcard common/*/*.c))
PROGRAMS := $(patsubst cmd/%.c,%,$(wildcard cmd/*.c))
BINARIES := $(PROGRAMS:%=$(B)/bin/%)
LIBRARY := $(B)/lib/libtackle.a
UNITS := $(patsubst tests/unit/%.c,$(B)/unit/%,$(wildcard tests/unit/*.c))
FUZZERS := $(patsubst tests/fuzz/%.c,$(B)/fuzz/%,$(wildcard tests/fuzz/*.c))
WRAPPERS := $(wildcard share/rkt share/dtuf share/brkt)

.PHONY: all units fuzzers check check-real lint asan fuzz bench demo readme install dist docker-check peers clean
.DELETE_ON_ERROR:
.SECONDARY:

all: $(BINARIES)

units: $(UNITS)

$(B)/gen/sandbox-gen: common/base/sandbox-gen.c
	@mkdir -p $(@D)
	$(CC) -O1 -D_GNU_SOURCE -o $@ $< -lseccomp

$(B)/gen/sandbox_filters.h: $(B)/gen/sandbox-gen
	$< >$@

$(B)/obj/common/base/sandbox.o: $(B)/gen/sandbox_filters.h

$(B)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -ffunction-sections -fdata-sections -MMD -MP -c -o $@ $<

$(LIBRARY): $(SOURCES:%.c=$(B)/obj/%.o)
	@mkdir -p $(@D)
	@rm -f $@
	ar rcs $@ $^

$(B)/bin/%: $(B)/obj/cmd/%.o $(LIBRARY)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

# Static, it needs nothing of the trees it works in, and starts in half the time.
$(B)/bin/pod-exec: LIBS = $(shell pkg-config --libs jansson)
$(B)/bin/pod-exec: LDFLAGS += $(if $(SANITIZE),,-static-pie)

$(B)/unit/%: $(B)/obj/tests/unit/%.o $(LIBRARY)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS) -lcmocka

# libFuzzer comes with clang, so the library is built a third time for it.
$(B)/fuzz/%: $(B)/obj/tests/fuzz/%.o $(LIBRARY)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) -fsanitize=fuzzer -o $@ $^ $(LIBS)

fuzzers: $(FUZZERS)

asan:
	$(MAKE) B=build-asan SANITIZE='-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -Wno-conversion' CFLAGS='-O1 -g' \
		HARDENING=-fPIE all units

check:
	tests/run

# What takes a network or long; each file says what.
check-real: all asan
	TACKLE_BIN=$(CURDIR)/$(B)/bin KILL_AT=all bats tests/real tests/tuf-kill.bats
	TACKLE_BUILDS=build-asan tests/run $$(grep -l '^# asan: apart: ' tests/*.bats tests/wrap/*.bats)

lint: export LINT_FLAGS = $(CPPFLAGS) $(PKG_CFLAGS)
lint: $(B)/gen/sandbox_filters.h
	tests/lint

fuzz:
	$(MAKE) B=build-fuzz CC=clang CFLAGS='-O1 -g' HARDENING=-fPIE WARNINGS='-Wall -Wextra -Wno-unknown-warning-option -Werror' \
		SANITIZE='-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -Wno-conversion' fuzzers
	tests/fuzz/run

bench: all
	tests/bench/run

# README's table of programs, from their own summaries.
readme: all
	tests/programs --write

demo: all
	contrib/demo

# Programs and wrappers lie in libexec, with relative links to them in bin: the tree may be moved as a whole.
install: all
	install -d $(DESTDIR)$(bindir) $(DESTDIR)$(libexecdir) $(DESTDIR)$(datadir) $(DESTDIR)$(prefix)/share/bash-completion/completions
	install -m 755 $(BINARIES) $(WRAPPERS) $(DESTDIR)$(libexecdir)
	cp -R $(wildcard $(WRAPPERS:=.d)) $(DESTDIR)$(libexecdir)
	for p in $(PROGRAMS) $(notdir $(WRAPPERS)); do ln -sfr $(DESTDIR)$(libexecdir)/$$p $(DESTDIR)$(bindir)/$$p; done
	cp -R $(wildcard share/schema share/policy) $(DESTDIR)$(datadir)
	for s in 1 5 7; do install -d $(DESTDIR)$(mandir)/man$$s && install -m 644 man/*.$$s $(DESTDIR)$(mandir)/man$$s; done
	install -m 644 contrib/completions/tackle.bash $(DESTDIR)$(prefix)/share/bash-completion/completions/tackle

# The release: what is committed, the same bytes wherever it is made.
dist:
	@mkdir -p $(B)
	@git diff --quiet HEAD || echo 'make dist: warning: what is not committed is left out' >&2
	git archive --prefix=tackle-$(VERSION)/ HEAD | gzip -n -9 >$(B)/tackle-$(VERSION).tar.gz
	TZ=UTC git archive --format=zip --prefix=tackle-$(VERSION)/ -o $(B)/tackle-$(VERSION).zip HEAD

# Builds the container from the release and runs it; minutes, and as root: no part of make check.
docker-check: all dist
	TACKLE_RELEASE=$(CURDIR)/$(B)/tackle-$(VERSION).zip bats tests/container/docker.bats

# npm's jose, an independent reader of tokens, for tests/jose-peers.bats, and its tuf-js, a TUF client, for tests/bench/tuf.sh.
peers:
	npm install --prefix $(B)/npm --no-save --ignore-scripts --no-audit --no-fund jose@5 tuf-js@5

clean:
	rm -rf build build-*

-include $(shell find $(B)/obj -name '*.d' 2>/dev/null)
