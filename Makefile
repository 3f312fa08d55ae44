# Builds, checks and runs parley. `make help` lists the targets.
#
# Sources are found by wildcard, so a new file needs no line here:
#   common/*.c          -> $(B)/libcommon.a          proto/*.c -> $(B)/libproto.a
#   services/NAME/*.c   -> $(B)/libNAME.a (without main.c) and the program of that name
#   tests/unit/*.c, tests/isolation/*.c, tests/fuzz/*.c -> one program each
#   tests/support/*.c   -> $(B)/libsupport.a, of which a test takes what it uses
#   FOLDER/messages.def -> $(B)/gen/FOLDER/messages.h and messages.c, which belongs to that library
# Variables: V=1 shows the commands; SANITIZE=address,undefined builds into build-asan/;
# CC, OPT, EXTRA_CFLAGS, EXTRA_LDFLAGS, PREFIX and DESTDIR mean what they usually do.

VERSION := 0.1.0

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules --no-print-directory
ifeq ($(MAKELEVEL),0)
# As many jobs as there are cores; a -j on the command line wins.
MAKEFLAGS += -j$(shell nproc)
endif

V ?= 0
Q := $(if $(filter 1,$(V)),,@)
# $(call say,VERB,WHAT): the one line shown for a command that is not.
say = $(if $(filter 1,$(V)),,@printf '  %-6s %s\n' '$(1)' '$(2)')

# ---- what is built, and where

SANITIZE ?=
BUILD ?= $(if $(SANITIZE),build-asan,build)
B := $(BUILD)
BIN := $(B)/bin

DAEMONS := gateway auth session group delivery files hooks
# What several services link: the message log's rows, the way to sessions, the schema, look-ups, ...
SHARED_LIBS := entries route schema lookup audit journal api_keys preview jwt webhook
SERVICE_LIBS := $(DAEMONS) ctl $(SHARED_LIBS)
PROGRAMS := $(DAEMONS:%=$(BIN)/parley-%) $(BIN)/parleyctl
# What a service starts: they have no options.
HELPERS := $(BIN)/parley-preview

COMMON_SRC := $(wildcard common/*.c)
PROTO_SRC := $(wildcard proto/*.c)
SUPPORT_SRC := $(wildcard tests/support/*.c)
UNIT_SRC := $(wildcard tests/unit/*.c)
ISOLATION_SRC := $(wildcard tests/isolation/*.c)
FUZZ_SRC := $(wildcard tests/fuzz/*.c)
# Messages between services, and those of tests.
MESSAGE_TABLES := $(wildcard common/messages.def proto/messages.def tests/support/messages.def)
MESSAGE_HEADERS := $(MESSAGE_TABLES:%.def=$(B)/gen/%.h)
EMBED_MESSAGES := deploy/embed-messages $(wildcard deploy/messages/*.py) common/program.h common/scope.h
MIGRATIONS := $(sort $(wildcard deploy/migrations/*.sql))
service_src = $(filter-out services/$(1)/main.c,$(wildcard services/$(1)/*.c services/$(1)/*/*.c))

C_SRC := $(COMMON_SRC) $(PROTO_SRC) $(wildcard services/*/*.c services/*/*/*.c) \
         $(SUPPORT_SRC) $(UNIT_SRC) $(ISOLATION_SRC) $(FUZZ_SRC) $(wildcard tests/bench/*.c)
C_HEADERS := $(wildcard common/*.h proto/*.h services/*/*.h services/*/*/*.h tests/*/*.h)
SCRIPTS := $(sort .ci/run $(shell grep -lsE '^\#!/bin/(ba)?sh' deploy/* deploy/proxy/* tests/*/*))

# ---- how

# Debian 13's name of the C library, else Debian 12's.
MSGPACK := $(shell pkg-config --exists msgpack-c 2>/dev/null && echo msgpack-c || echo msgpack)
PACKAGES := libzmq libczmq $(MSGPACK) libcjson libmariadb libsodium libwebsockets libutf8proc zlib \
            libbrotlienc openssl
HAVE_PACKAGES := $(shell pkg-config --exists $(PACKAGES) libseccomp libcurl 2>/dev/null && echo yes)
# Other people's headers are system headers: our warnings are not for them.
PACKAGE_CPPFLAGS := $(patsubst -I%,-isystem %,$(shell pkg-config --cflags $(PACKAGES) 2>/dev/null))
LIBS := $(shell pkg-config --libs $(PACKAGES) 2>/dev/null) -lev -lpthread -lm

# Half of what the sanitizers' build costs is optimizing.
OPT ?= $(if $(SANITIZE),-O1,-O2) -g
WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Werror
HARDENING := -fstack-protector-strong -fPIE
SANITIZE_FLAGS := $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-sanitize-recover=all \
                                   -fno-omit-frame-pointer)
# Fortified functions hide bugs from the sanitizers and need an optimizing compiler.
ifeq ($(SANITIZE)$(findstring -O0,$(OPT)),)
HARDENING += -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
endif

DEFINES := -I. -I$(B)/gen -D_GNU_SOURCE -DPARLEY_VERSION='"$(VERSION)"'
ALL_CPPFLAGS = $(DEFINES) $(PACKAGE_CPPFLAGS)
ALL_CFLAGS = -std=gnu11 $(OPT) $(WARNINGS) $(HARDENING) $(SANITIZE_FLAGS) $(EXTRA_CFLAGS)
ALL_LDFLAGS = -pie -Wl,-z,relro,-z,now,--as-needed $(SANITIZE_FLAGS) $(EXTRA_LDFLAGS)
COMPILE = $(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<
# The archives need each other's symbols only downwards: services -> what they share -> proto -> common.
LINK = $(CC) -o $@ $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group \
       $(ALL_LDFLAGS) $(LIBS)

objects = $(patsubst %.c,$(B)/obj/%.o,$(1))
BASE_LIBS := $(SHARED_LIBS:%=$(B)/lib%.a) $(B)/libproto.a $(B)/libcommon.a
TEST_LIBS := $(patsubst %,$(B)/lib%.a,$(filter-out $(SHARED_LIBS),$(SERVICE_LIBS))) $(BASE_LIBS)
UNIT_TESTS := $(patsubst %.c,$(B)/%,$(UNIT_SRC))
ISOLATION_TESTS := $(patsubst %.c,$(B)/%,$(ISOLATION_SRC))
FUZZERS := $(patsubst tests/fuzz/%.c,$(B)/%,$(FUZZ_SRC))

# ---- building

.PHONY: all
all: $(PROGRAMS) $(HELPERS) ## build everything into build/bin (SANITIZE=address,undefined: build-asan/bin)

# Two stamps whose contents change with the flags and with the list of sources: objects are made
# again when the former changes, archives (a source was added or removed) when the latter does.
FLAGS_TEXT = $(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) $(ALL_LDFLAGS) $(LIBS)
SOURCES_TEXT = $(C_SRC) $(MESSAGE_TABLES) $(MIGRATIONS)
write_if_changed = mkdir -p $(@D); if [ "$$(cat $@ 2>/dev/null)" != '$(1)' ]; then \
                       printf '%s\n' '$(1)' >$@; fi

$(B)/flags: FORCE
	$(if $(HAVE_PACKAGES),,$(error libraries to build with are missing: run 'make deps'))
	@$(call write_if_changed,$(subst ','\'',$(FLAGS_TEXT)))
$(B)/sources: FORCE
	@$(call write_if_changed,$(SOURCES_TEXT))
.PHONY: FORCE
FORCE:

.PHONY: need-cmocka
need-cmocka:
	$(if $(shell pkg-config --exists cmocka && echo yes),,$(error cmocka is missing: run 'make deps'))
$(call objects,$(SUPPORT_SRC) $(UNIT_SRC) $(ISOLATION_SRC)): | need-cmocka

$(B)/obj/%.o: %.c $(B)/flags | $(MESSAGE_HEADERS)
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(COMPILE)
$(B)/obj/gen/%.o: $(B)/gen/%.c $(B)/flags | $(MESSAGE_HEADERS)
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(COMPILE)

$(MESSAGE_HEADERS): $(B)/gen/%.h: %.def $(EMBED_MESSAGES)
	@mkdir -p $(@D)
	$(call say,GEN,$@)
	$(Q)deploy/embed-messages header $< >$@
$(MESSAGE_HEADERS:.h=.c): $(B)/gen/%.c: %.def $(EMBED_MESSAGES)
	@mkdir -p $(@D)
	$(call say,GEN,$@)
	$(Q)deploy/embed-messages source $< >$@

$(B)/gen/migrations.c: deploy/embed-migrations $(MIGRATIONS) $(B)/sources
	@mkdir -p $(@D)
	$(call say,GEN,$@)
	$(Q)deploy/embed-migrations $(MIGRATIONS) >$@

# The names of all options, from all programs' tables, for all programs: a new name makes it anew.
OPTION_SRC := $(shell grep -l CONFIG_END common/*.c services/*/*.c services/*/*/*.c)
OPTION_SCRIPTS := $(wildcard Makefile .ci/run deploy/local deploy/lib/*.sh deploy/compose.yaml \
                             deploy/.env.example tests/support/*.py)
$(B)/gen/option_names.stamp: deploy/embed-options $(OPTION_SRC) $(OPTION_SCRIPTS) common/config_options.h \
                             $(wildcard services/*/*.h services/*/*/*.h) $(B)/flags $(B)/sources | $(MESSAGE_HEADERS)
	@mkdir -p $(@D)
	$(call say,GEN,$(@:.stamp=.c))
	$(Q)for file in $(OPTION_SRC); do $(CC) $(ALL_CPPFLAGS) -std=gnu11 -E -P $$file; done | \
	    deploy/embed-options $(OPTION_SCRIPTS) >$(@:.stamp=.new)
	$(Q)cmp -s $(@:.stamp=.new) $(@:.stamp=.c) || cp $(@:.stamp=.new) $(@:.stamp=.c)
	@touch $@
$(B)/gen/option_names.c: $(B)/gen/option_names.stamp
	@:

$(B)/libcommon.a: $(call objects,$(COMMON_SRC)) $(B)/obj/gen/option_names.o \
                   $(B)/obj/gen/common/messages.o
$(B)/libproto.a: $(call objects,$(PROTO_SRC)) $(B)/obj/gen/proto/messages.o
$(B)/libschema.a: $(B)/obj/gen/migrations.o
$(B)/libsupport.a: $(call objects,$(SUPPORT_SRC))
$(foreach s,$(SERVICE_LIBS),$(eval $(B)/lib$(s).a: $(call objects,$(call service_src,$(s)))))
$(B)/lib%.a: $(B)/sources
	@mkdir -p $(@D)
	$(call say,AR,$@)
	$(Q)rm -f $@; ar rcs $@ $(filter %.o,$^)

$(BIN)/parleyctl: $(B)/obj/services/ctl/main.o $(B)/libctl.a $(BASE_LIBS)
$(foreach s,$(DAEMONS),$(eval \
    $(BIN)/parley-$(s): $(B)/obj/services/$(s)/main.o $(B)/lib$(s).a $(BASE_LIBS)))
# The store s3, hooks, the questions of auth and delivery, and `parleyctl chat` alone speak HTTP to others.
$(BIN)/parley-auth $(BIN)/parley-delivery $(BIN)/parley-files $(BIN)/parley-hooks $(BIN)/parleyctl: private LIBS += -lcurl
# With the filter's compiler, and none of our libraries.
$(BIN)/parley-preview: private LIBS := -lz -lseccomp
$(BIN)/parley-preview: $(B)/obj/services/preview/main.o $(B)/libpreview.a
$(PROGRAMS) $(HELPERS):
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(LINK)

# private: what they are made of would inherit it, and all be made again with each change of target.
# --wrap: tests/support/end_at_once.c.
$(UNIT_TESTS) $(ISOLATION_TESTS): private LIBS += -lcmocka -lbrotlidec -lcurl -lseccomp -Wl,--wrap=_cmocka_run_group_tests
# Of the archive a program gets those fixtures alone that it uses.
$(B)/libsupport.a: $(call objects,$(SUPPORT_SRC))
$(UNIT_TESTS) $(ISOLATION_TESTS): $(B)/%: $(B)/obj/%.o $(B)/libsupport.a \
                                  $(B)/obj/gen/tests/support/messages.o $(TEST_LIBS)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(LINK)

$(B)/tests/unit/preview_test: | $(BIN)/parley-preview

-include $(patsubst %.c,$(B)/obj/%.d,$(C_SRC)) $(B)/obj/gen/migrations.d \
         $(MESSAGE_TABLES:%.def=$(B)/obj/gen/%.d)

# ---- running

INSTALL_DEPS := deploy/install-deps

.PHONY: deps run up down status
deps: ## install what is missing to build, run and test (Debian packages)
	$(Q)$(INSTALL_DEPS)

# The build is a make of its own here, since it asks pkg-config, which deps may just have installed.
run: ## install what is missing, build, start MariaDB and all services; Ctrl-C stops them
	$(Q)$(INSTALL_DEPS) --build --database --demo
	$(Q)$(MAKE) all
	$(Q)PARLEY_BIN=$(BIN) PARLEY_DEMO=$${PARLEY_DEMO-on} deploy/local run

up: ## the same in the background
	$(Q)$(INSTALL_DEPS) --build --database --demo
	$(Q)$(MAKE) all
	$(Q)PARLEY_BIN=$(BIN) PARLEY_DEMO=$${PARLEY_DEMO-on} deploy/local up

down: ## stop what `make up` started
	$(Q)deploy/local down

status: ## say which services run, and where
	$(Q)PARLEY_BIN=$(BIN) deploy/local status

# ---- testing

PYTHON := /usr/bin/python3
# Test programs at once, and seconds after which one of them counts as hung.
TEST_JOBS ?= 4
# Processes of pytest at once, each with a stack of its own, where tests mostly wait for answers.
PYTEST_JOBS ?= 3
WEB_JOBS ?= 2
TEST_TIMEOUT ?= 300
PYTEST_ARGS ?=
TEST_ENV = env PARLEY_BIN=$(CURDIR)/$(BIN) PARLEY_BUILD=$(CURDIR)/$(B) \
           PYTHONPYCACHEPREFIX=$(CURDIR)/$(B)/pycache \
           ASAN_OPTIONS=$${ASAN_OPTIONS:-detect_stack_use_after_return=1} \
           UBSAN_OPTIONS=$${UBSAN_OPTIONS:-print_stacktrace=1}
PYTEST = $(TEST_ENV) $(PYTHON) -m pytest -q -ra -o cache_dir=$(CURDIR)/$(B)/pytest/$@ $(PYTEST_ARGS)
WITH_DATABASE = PARLEY_VAR=$(CURDIR)/$(B)/test-var deploy/local with-db
RUN_PROGRAMS = $(TEST_ENV) TEST_JOBS=$(TEST_JOBS) TEST_TIMEOUT=$(TEST_TIMEOUT) \
               deploy/run-test-programs

.PHONY: test test-build test-unit test-isolation test-e2e test-conformance test-speed test-web screenshots test-faults test-compose bench bench-storm \
        bench-api bench-before bench-files bench-idle bench-reading bench-retention bench-search fuzz
# Units, isolation, e2e and conformance run under the sanitizers; the optimized build runs units, the
# browser, the faults, and what depends on speed. What mostly computes runs beside what mostly waits. Two
# parts of a stage may share a build folder where an earlier stage has built all that they need.
SANITIZED := SANITIZE=address,undefined
test: ## install what is missing, build, lint, run all tests: most of them under the sanitizers
	$(Q)$(INSTALL_DEPS)
	$(Q)$(MAKE) all
	$(Q)+MAKE='$(MAKE)' deploy/run-stages 'test-web + nice $(SANITIZED) all test-build' \
	    '$(SANITIZED) test-isolation + nice lint' 'test-unit + $(SANITIZED) test-unit' \
	    '$(SANITIZED) test-e2e + $(SANITIZED) test-conformance' 'test-faults + test-speed'

test-build: $(UNIT_TESTS) $(ISOLATION_TESTS)

test-unit: $(UNIT_TESTS) ## functions and modules, no process and no database
	$(Q)$(PYTHON) -B tests/unit/test_embed_messages.py --quiet
	$(Q)$(RUN_PROGRAMS) $^

test-isolation: all $(ISOLATION_TESTS) ## each service alone, over its messages, with a private MariaDB
	$(Q)$(WITH_DATABASE) $(RUN_PROGRAMS) $(ISOLATION_TESTS)

# What the tests in Python import.
.PHONY: need-python
need-python:
	$(Q)$(PYTHON) -c 'import msgpack, pymysql, pytest, websockets, xdist, zmq' 2>/dev/null || \
	    { echo "packages of Python are missing: run 'make deps'" >&2; exit 1; }

test-e2e: all need-python ## clients of both dialects against the whole system
	$(Q)$(PYTEST) -n $(PYTEST_JOBS) --dist loadfile tests/e2e

test-conformance: all need-python ## every code and type of the protocol by example
	$(Q)$(PYTEST) tests/conformance

test-speed: all need-python ## those of test-e2e in which many things happen at once, or at their time
	$(Q)$(PYTEST) -m speed tests/e2e

.PHONY: need-browser
need-browser:
	$(Q)$(PYTHON) -c 'import selenium' 2>/dev/null && command -v chromium chromedriver node >/dev/null || \
	    { echo "Chromium, its driver, python3-selenium or node is missing: run 'make deps'" >&2; exit 1; }

test-web: all need-python need-browser ## the web client and its library, in Node and in a real browser
	$(Q)node --test tests/web/
	$(Q)$(PYTEST) -n $(WEB_JOBS) --dist loadfile tests/web

screenshots: all need-python need-browser ## pictures of the web client's states, in build/screenshots
	$(Q)$(TEST_ENV) $(PYTHON) tests/web/screenshots.py $(B)/screenshots

test-faults: all need-python $(B)/bench/load ## processes killed, links cut and floods while messages flow
	$(Q)$(PYTEST) tests/faults

# The release before, a revision; it is built in a folder of its own.
FORMER ?=
.PHONY: test-rolling
test-rolling: all need-python ## each service of the release before (FORMER=REVISION) beside those of this one
	$(Q)tests/rolling/build-former "$(FORMER)" "$(B)/former"
	$(Q)PARLEY_FORMER_BIN=$(B)/former/build/bin $(PYTEST) tests/rolling

# Under a name of their own: what counts is that the engine keeps the layers for test-compose.
.PHONY: compose-images
compose-images: ## builds the images of deploy/compose.yaml (needs a Docker engine)
	$(Q)docker build --quiet --tag parley:cached --file deploy/Dockerfile .
	$(Q)docker build --quiet --tag parley-proxy:cached deploy/proxy
	$(Q)docker build --quiet --tag parley-observe:cached deploy/observe

test-compose: need-python ## the containers of deploy/compose.yaml, for real (needs a Docker engine)
	$(Q)$(PYTEST) tests/compose

RELEASE ?= trixie
.PHONY: test-debian
test-debian: ## builds and tries it on a fresh Debian RELEASE (trixie); needs root
	$(Q)tests/debian/run $(RELEASE)

# BENCH_ARGS go to the load generator: make bench BENCH_ARGS='--pairs 1000 --rate 5000'
BENCH_ARGS ?=
bench: all $(B)/bench/load ## messages a second, latency and CPU per message
	$(Q)$(TEST_ENV) tests/bench/run $(BENCH_ARGS)
STORM_ARGS ?=
bench-storm: all ## what it costs when 2,000 clients come back within a second
	$(Q)$(TEST_ENV) tests/bench/storm $(STORM_ARGS)
IDLE_ARGS ?=
TLS_ARGS ?=
bench-reading: all ## what reading costs an account in 5,000 conversations
	$(Q)$(TEST_ENV) tests/bench/reading $(READING_ARGS)

FILES_ARGS ?=
bench-files: all $(B)/bench/load ## how fast files go up and down, and what uploads cost those who write
	$(Q)$(TEST_ENV) tests/bench/files $(FILES_ARGS)

API_ARGS ?=
bench-api: all $(B)/bench/load ## what calls of the HTTP API cost, and what they cost those who write
	$(Q)$(TEST_ENV) tests/bench/api $(API_ARGS)

bench-tls: all ## what TLS costs the gateway beside plain TCP
	$(Q)$(TEST_ENV) tests/bench/tls $(TLS_ARGS)

bench-idle: all ## what idle connections cost the gateway
	$(Q)$(TEST_ENV) tests/bench/idle $(IDLE_ARGS)
SEARCH_ARGS ?=
bench-search: all ## how long searches take among 14 million texts
	$(Q)$(TEST_ENV) tests/bench/search $(SEARCH_ARGS)

bench-before: all $(B)/bench/load ## what it costs to ask a program about each text
	$(Q)$(TEST_ENV) tests/bench/before $(BEFORE_ARGS)

bench-retention: all $(B)/bench/load ## what the removal of old entries costs those who write
	$(Q)$(TEST_ENV) tests/bench/retention $(RETENTION_ARGS)

$(B)/bench/load: $(call objects,$(wildcard tests/bench/*.c))
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(LINK)

# clang has the fuzzing engine, so the libraries are built with it, in a folder of their own; what
# it would warn of is gcc's and clang-tidy's matter.
FUZZ_SECONDS ?= 30
# An object, a frame and a message may have 64 KiB.
FUZZ_MAX_BYTES := 131072
FUZZ_VARIABLES = BUILD=build-fuzz CC=clang EXTRA_CFLAGS=-w \
                 SANITIZE=fuzzer-no-link,address,undefined
fuzz: ## run every fuzz target for FUZZ_SECONDS (30)
	$(Q)$(MAKE) $(FUZZ_VARIABLES) fuzz-run

.PHONY: fuzz-run fuzz-build $(FUZZERS:%=%.run)
fuzz-build: $(FUZZERS)
fuzz-run: $(FUZZERS:%=%.run)
$(FUZZERS): private LIBS += -lcurl
$(FUZZERS): $(B)/%: $(B)/obj/tests/fuzz/%.o $(TEST_LIBS)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(LINK) -fsanitize=fuzzer
# New inputs go to the build folder; those kept in the tree are only read.
$(FUZZERS:%=%.run): %.run: %
	$(call say,FUZZ,$(notdir $<))
	$(Q)mkdir -p $(B)/corpus/$(notdir $<)
	$(Q)$< -max_total_time=$(FUZZ_SECONDS) -max_len=$(FUZZ_MAX_BYTES) -rss_limit_mb=1024 -timeout=10 -verbosity=0 \
	    -print_final_stats=1 -artifact_prefix=$(B)/crash-$(notdir $<)- $(B)/corpus/$(notdir $<) \
	    $(wildcard tests/fuzz/corpus/$(notdir $<))

# ---- checking

# clang-tidy leaves a stamp that is as old as the object, so that only what changed is read again.
# The analyzer stops in a function after so many states, which saves three quarters of its time; it
# takes what uthash's macros do for uses after free, and of values never set.
TIDY_UTHASH := --checks=-clang-analyzer-unix.Malloc,-clang-analyzer-core.UndefinedBinaryOperatorResult
TIDY_FLAGS := -Xclang -analyzer-config -Xclang max-nodes=50000
TIDY_STAMPS := $(patsubst %.c,$(B)/tidy/%.ok,$(C_SRC))

.PHONY: lint lint-format lint-tidy lint-cppcheck lint-scripts lint-docs lint-house format docs
lint: lint-format lint-tidy lint-cppcheck lint-scripts lint-web lint-docs lint-house ## clang-format, clang-tidy, cppcheck, shellcheck, types of the web client, circles, and pages made from the code

lint-format:
	$(call say,FORMAT,$(words $(C_SRC) $(C_HEADERS)) files)
	$(Q)clang-format --dry-run --Werror $(C_SRC) $(C_HEADERS)

lint-tidy: $(TIDY_STAMPS)
$(B)/tidy/%.ok: %.c $(B)/obj/%.o .clang-tidy tests/.clang-tidy
	@mkdir -p $(@D)
	$(call say,TIDY,$<)
	$(Q)clang-tidy --quiet $(if $(shell grep -lE '\b(HASH|DL|LL)_' $<),$(TIDY_UTHASH)) $< \
	    -- -std=gnu11 $(ALL_CPPFLAGS) $(TIDY_FLAGS) >$@.log 2>&1 || { cat $@.log; exit 1; }
	@touch $@

# cppcheck reads no system headers; it has to know these macros to see what they set. It doesn't
# follow a pointer into a compound literal, nor see that an assertion of cmocka ends the test, and
# across files takes a pointer to what a function is to fill for a value that was never set; whether
# it does depended on what its folder remembered of earlier runs. gcc and clang-tidy look for those.
CPPCHECK_FLAGS := --include=/usr/include/uthash.h --include=/usr/include/utlist.h \
                  --suppress=missingIncludeSystem --suppress=memleak --suppress=ctunullpointer \
                  --suppress=ctuuninitvar --suppress='arrayIndexOutOfBoundsCond:tests/*'
lint-cppcheck: $(MESSAGE_HEADERS)
	$(call say,CHECK,$(words $(C_SRC)) files)
	@mkdir -p $(B)/cppcheck
	$(Q)cppcheck --quiet --std=c11 --enable=warning,performance,portability --inline-suppr \
	    --error-exitcode=1 --cppcheck-build-dir=$(B)/cppcheck $(CPPCHECK_FLAGS) $(DEFINES) $(C_SRC)

lint-scripts:
	$(call say,SHELL,$(words $(SCRIPTS)) scripts)
	$(Q)shellcheck --external-sources --check-sourced $(SCRIPTS)

# main.js imports all others. The gateway leaves out comments without knowing the syntax.
lint-web:
	$(call say,TSC,services/web)
	$(Q)tsc --noEmit --allowJs --checkJs --strict --target es2022 --module es2022 \
	    --moduleResolution node --lib es2022,dom,dom.iterable services/web/app/main.js services/web/admin/main.js \
	    services/web/sw.js
	$(Q)deploy/lint-lean $(shell find services/web -name '*.js' -o -name '*.css')
	$(Q)$(PYTHON) -B tests/house/test_lint_lean.py --quiet

# Modules and folders use each other one way only. The check of the check builds trees of its own.
lint-house: all
	$(call say,HOUSE,modules and folders)
	$(Q)deploy/lint-house $(B)
	$(Q)$(PYTHON) -B tests/house/test_lint_house.py --quiet
	$(Q)$(PYTHON) -B tests/house/test_limits_page.py --quiet

PAGES := docs/internal-messages.md docs/limits.md docs/options.md docs/openapi.json
lint-docs: $(PAGES:%=%.check)
.PHONY: $(PAGES:%=%.check)
$(PAGES:%=%.check): docs/%.check: $(B)/docs/%
	$(Q)cmp -s $< docs/$* || { echo "docs/$* is stale: run 'make docs'" >&2; exit 1; }

docs: $(PAGES:%=$(B)/%) ## write the pages that are made from the code
	$(Q)mkdir -p docs; cp $^ docs/

$(B)/docs/openapi.json: $(BIN)/parley-gateway
	@mkdir -p $(@D)
	$(call say,PAGE,$@)
	$(Q)$(BIN)/parley-gateway --openapi | $(PYTHON) -m json.tool --indent 1 >$@

PAGE_SOURCES := common/error.h common/messages.def proto/messages.def
$(B)/docs/internal-messages.md: $(PAGE_SOURCES) $(EMBED_MESSAGES)
	@mkdir -p $(@D)
	$(Q)deploy/embed-messages page $(PAGE_SOURCES) >$@
# A limit may stand beside any number, so whatever has changed makes the page anew.
$(B)/docs/limits.md: deploy/limits-page FORCE
	@mkdir -p $(@D)
	$(Q)deploy/limits-page >$@
$(B)/docs/options.md: $(PROGRAMS)
	@mkdir -p $(@D)
	$(Q){ printf '%s\n' '# Options' '' 'Made by `make docs` from the programs themselves.' \
	    'Each option may stand in the file that `--config` or `PARLEY_CONFIG` names (`name = value`),' \
	    'in the environment (`PARLEY_NAME`), or on the command line (`--name=value`); the later wins. A' \
	    'name that no program has is an error in all three.'; \
	    for program in $^; do echo; $$program --help=markdown; done; } >$@

format: ## lay all C files out as .clang-format has it
	$(Q)clang-format -i $(C_SRC) $(C_HEADERS)

# ---- the rest

PREFIX ?= /usr/local
.PHONY: install clean help
install: all ## install the programs and the page under $(DESTDIR)$(PREFIX)
	$(Q)install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/doc/parley
	$(Q)cd services/web && find . -type f ! -name '*.md' \
	    -exec install -D -m 644 {} $(abspath $(DESTDIR)$(PREFIX))/share/parley/web/{} \;
	$(Q)install -m 755 $(PROGRAMS) $(HELPERS) $(DESTDIR)$(PREFIX)/bin
	$(Q)install -m 644 LICENSE $(DESTDIR)$(PREFIX)/share/doc/parley

clean: ## remove what was built (var/, the development data, stays)
	$(Q)rm -rf build build-asan build-fuzz $(B)

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' Makefile
