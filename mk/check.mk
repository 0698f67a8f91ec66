# SPDX-License-Identifier: Apache-2.0
# What people type: deps, demo, check and its long and virtual forms, lint, bench, fuzz, install.

# Every Debian package that building, testing, the demo and the bench need. Proved in a minbase
# chroot by check-long.
DEPS_BUILD := build-essential clang pkg-config git ca-certificates libyaml-dev libcyaml-dev \
	libjansson-dev libcurl4-openssl-dev libarchive-dev libseccomp-dev libcunit1-dev libmnl-dev \
	libnftnl-dev libisal-dev libzstd-dev libssl-dev zlib1g-dev libbrotli-dev \
	liblzma-dev libbz2-dev
DEPS_TEST := busybox-static nginx-light curl iproute2 nftables conntrack util-linux uidmap procps \
	python3 python3-yaml tmux strace clang-format clang-tidy libclang-rt-14-dev \
	docker-registry skopeo openssl dnsmasq-base
DEPS_LONG := debootstrap umoci
DEPS_VM := qemu-system-x86 busybox-static systemd e2fsprogs
DEPS_BENCH := podman crun conmon netavark iptables catatonit zstd wrk conntrack
deps_list = $(DEPS_BUILD) $(DEPS_TEST) $(DEPS_EXTRA)

# Installs what is missing and nothing else; as root, on Debian and its children.
deps:
	@missing=; for p in $(sort $(deps_list)); do \
		dpkg-query -W -f '$${Status}' $$p 2>/dev/null | grep -q 'ok installed' || \
			missing="$$missing $$p"; done; \
	if [ -n "$$missing" ]; then \
		echo "installing:$$missing"; \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
			apt-get install -y -qq --no-install-recommends $$missing >/dev/null; \
	fi

# ---- the two commands --------------------------------------------------------------------------
demo: deps
	@$(MAKE) --no-print-directory VARIANT=$(VARIANT) all $(B)/tests/mkimage
	@tests/support/demo $(B)

check: deps
	@$(MAKE) --no-print-directory VARIANT=$(VARIANT) all unit-tests integration-tests corpus-tests
	@tests/support/run-check $(B) $(VARIANT)

# ---- integration tests ---------------------------------------------------------------------------
INTEGRATION := $(patsubst tests/integration/%.c,%,$(wildcard tests/integration/test_*.c))
INTEGRATION_SUPPORT := $(call obj,tests/support/oracle.c $(filter-out tests/integration/test_%.c,$(wildcard tests/integration/*.c)))
$(B)/tests/integration/%: $(B)/obj/tests/integration/%.o $(INTEGRATION_SUPPORT) $(B)/libfake.a $(B)/libmade.a $(B)/libkube.a $(B)/libpodium.a
	@mkdir -p $(@D)
	@echo "  LD   $@"
	@$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(TEST_LIBS)
# Made images, and a tree that must stay as it is, for the tests that use them.
$(B)/libmade.a: $(call obj,tests/support/imagemaker.c tests/support/tarmaker.c tests/support/canary.c)
	@rm -f $@
	@$(AR) rcs $@ $^
integration-tests: $(addprefix $(B)/tests/integration/,$(INTEGRATION)) $(B)/tests/mkimage $(B)/tests/payload
check-integration: all integration-tests
	@tests/support/run-integration $(B) $(if $(T),test_$(T),$(INTEGRATION))

# One static program of many verbs: the only content of the payload image.
$(B)/tests/payload: tests/support/payload.c
	@mkdir -p $(@D)
	@echo "  LD   $@"
	@gcc -std=gnu17 $(WARN) -D_GNU_SOURCE -O1 -static -I. -o $@ $<

# ---- fuzzing: libFuzzer targets, and the same targets replaying their corpus in make check --------
FUZZ := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_SECONDS ?= 60
$(B)/tests/fuzz/%: $(B)/obj/tests/fuzz/%.o $(if $(filter fuzz,$(VARIANT)),,$(B)/obj/tests/fuzz/driver.o) $(FUZZ_SUPPORT_OBJ) $(B)/libkube.a $(B)/libpodium.a
	@mkdir -p $(@D)
	@echo "  LD   $@"
	@$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) $(if $(filter fuzz,$(VARIANT)),-fsanitize=fuzzer) -o $@ $^ $(TEST_LIBS)
corpus-tests: $(addprefix $(B)/tests/fuzz/,$(FUZZ))
fuzz:
	@$(MAKE) --no-print-directory VARIANT=fuzz corpus-tests
	@tests/support/run-fuzz build/fuzz $(FUZZ_SECONDS) $(if $(T),fuzz_$(T),$(FUZZ))

# ---- the rest -------------------------------------------------------------------------------------
lint: $(B)/gen/sysfilter_default.inc
	@tests/lint/lint $(CC)
tidy: compile_commands.json
	clang-tidy --quiet -p . $(ENGINE_SRC) $(KUBE_SRC) $(wildcard cmd/*/*.c cmd/*/*/*.c)
format:
	clang-format -i $(shell git ls-files '*.[ch]')
compile_commands.json: Makefile
	@tests/support/compile-commands '$(CC) $(CPPFLAGS) $(ALL_CFLAGS)' $(ENGINE_SRC) $(KUBE_SRC) $(wildcard cmd/*/*.c cmd/*/*/*.c) >$@

check-long: DEPS_EXTRA := $(DEPS_LONG)
check-long: deps
	@tests/support/check-long $(B)
check-vm: DEPS_EXTRA := $(DEPS_VM)
check-vm: deps
	@$(MAKE) --no-print-directory VARIANT=$(VARIANT) all integration-tests
	@tests/vm/run $(B) $(addprefix test_,$(T))
bench: DEPS_EXTRA := $(DEPS_BENCH)
bench: deps
	@$(MAKE) --no-print-directory VARIANT=release all build/release/tests/mkimage bench-programs
	@tests/bench/bench build/release

BINDIR := $(PREFIX)/bin
LIBEXECDIR := $(PREFIX)/libexec/podium
HELPERS := podium-monitor podium-launch podium-pause podium-init podium-image podium-seccomp podium-probe podium-net
UNITS := podium-restart.service podium-kube@.service
UNITDIR ?= $(PREFIX)/lib/systemd/system
MANDIR ?= $(PREFIX)/share/man/man1
COMPLETE_BASH ?= $(PREFIX)/share/bash-completion/completions/podium
COMPLETE_ZSH ?= $(PREFIX)/share/zsh/site-functions/_podium
COMPLETE_FISH ?= $(PREFIX)/share/fish/vendor_completions.d/podium.fish
install:
	@$(MAKE) --no-print-directory VARIANT=release all
	install -D -m 0755 -s build/release/podium $(DESTDIR)$(BINDIR)/podium
	for p in $(HELPERS); do install -D -m 0755 build/release/$$p $(DESTDIR)$(LIBEXECDIR)/$$p || exit 1; done
	install -D -m 0644 README.md $(DESTDIR)$(PREFIX)/share/doc/podium/README.md
	install -D -m 0644 packaging/apparmor/podium-default $(DESTDIR)$(PREFIX)/share/podium/apparmor/podium-default
	for u in $(UNITS); do install -d $(DESTDIR)$(UNITDIR) && \
		sed 's|@BINDIR@|$(BINDIR)|' packaging/systemd/$$u.in >$(DESTDIR)$(UNITDIR)/$$u || exit 1; done
	install -d $(DESTDIR)$(MANDIR) && build/release/podium __man-pages $(DESTDIR)$(MANDIR)
	install -d $(dir $(DESTDIR)$(COMPLETE_BASH)) $(dir $(DESTDIR)$(COMPLETE_ZSH)) $(dir $(DESTDIR)$(COMPLETE_FISH))
	build/release/podium completion bash >$(DESTDIR)$(COMPLETE_BASH)
	build/release/podium completion zsh >$(DESTDIR)$(COMPLETE_ZSH)
	build/release/podium completion fish >$(DESTDIR)$(COMPLETE_FISH)
uninstall:
	rm -f $(DESTDIR)$(BINDIR)/podium $(addprefix $(DESTDIR)$(UNITDIR)/,$(UNITS))
	rm -f $(DESTDIR)$(MANDIR)/podium.1 $(DESTDIR)$(MANDIR)/podium-*.1
	rm -f $(DESTDIR)$(COMPLETE_BASH) $(DESTDIR)$(COMPLETE_ZSH) $(DESTDIR)$(COMPLETE_FISH)
	rm -rf $(DESTDIR)$(LIBEXECDIR) $(DESTDIR)$(PREFIX)/share/doc/podium $(DESTDIR)$(PREFIX)/share/podium/apparmor
clean:
	rm -rf build compile_commands.json

.PHONY: deps demo check check-integration integration-tests corpus-tests fuzz lint tidy format \
	check-long check-vm bench install uninstall clean
