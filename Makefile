# SPDX-License-Identifier: Apache-2.0
# Podium. `make demo` and `make check` are all that a newcomer needs; the README explains the rest.
#
#   VARIANT=debug    test seams in (PODIUM_SEAMS), -O1 -g          (default)
#   VARIANT=release  what `make install` installs
#   VARIANT=san      address and undefined behaviour sanitizers, dynamic helpers
#   VARIANT=fuzz     libFuzzer targets (clang)
#   VARIANT=cov      gcov
VARIANT ?= debug
PREFIX ?= /usr/local
VERSION := 0.1.0
CC = gcc
ifeq ($(VARIANT),fuzz)
CC = clang
endif
# One directory a variant, and one more for each other compiler.
B := build/$(VARIANT)$(if $(filter fuzz,$(VARIANT)),,$(if $(filter gcc,$(CC)),,-$(notdir $(CC))))

WARN := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 \
	-Wvla -Wwrite-strings -Wundef -Werror
HARDEN := -fstack-protector-strong -fstack-clash-protection -D_FORTIFY_SOURCE=2 -fPIE
CPPFLAGS += -I. -I$(B)/gen -D_GNU_SOURCE -DPODIUM_VERSION='"$(VERSION)"' -include engine/base/banned.h
CFLAGS_debug := -O1 -g -DPODIUM_SEAMS $(HARDEN)
CFLAGS_release := -O2 -g $(HARDEN)
CFLAGS_san := -O1 -g -DPODIUM_SEAMS -DPODIUM_SAN -fPIE -fno-omit-frame-pointer -fsanitize=address,undefined \
	-fno-sanitize-recover=undefined
CFLAGS_fuzz := -O1 -g -DPODIUM_SEAMS -fPIE -fsanitize=fuzzer-no-link,address,undefined
CFLAGS_cov := -O0 -g -DPODIUM_SEAMS --coverage
LDFLAGS_debug := -pie -Wl,-z,relro,-z,now
LDFLAGS_release := $(LDFLAGS_debug)
LDFLAGS_san := -pie -fsanitize=address,undefined
LDFLAGS_fuzz := -pie -fsanitize=address,undefined
LDFLAGS_cov := --coverage
STATIC_debug := -static
STATIC_release := -static
# The same where the code is to lie at random addresses; its relocations in the short form.
STATIC_PIE_debug := -static-pie -Wl,-z,pack-relative-relocs
STATIC_PIE_release := $(STATIC_PIE_debug)
ALL_CFLAGS = -std=gnu17 -fno-common $(WARN) $(CFLAGS_$(VARIANT)) $(CFLAGS)
ALL_LDFLAGS = $(LDFLAGS_$(VARIANT)) -Wl,--as-needed $(LDFLAGS)

ENGINE_SRC := $(wildcard engine/*/*.c)
KUBE_SRC := $(wildcard kube/*.c schemas/*.c)
HEADERS := $(wildcard engine/*/*.h engine/*.h kube/*.h schemas/*.h cmd/*/*.h cmd/*/*/*.h tests/support/*.h)
PROGRAMS := podium podium-monitor podium-launch podium-pause podium-init podium-image podium-seccomp podium-probe podium-net
obj = $(patsubst %.c,$(B)/obj/%.o,$(1))
cmdobj = $(call obj,$(wildcard cmd/$(1)/*.c cmd/$(1)/*/*.c))

all: $(addprefix $(B)/,$(PROGRAMS))

include $(wildcard mk/*.mk)

$(B)/obj/%.o: %.c
	@mkdir -p $(@D)
	@echo "  CC   $<"
	@$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(B)/libpodium.a: $(call obj,$(ENGINE_SRC))
	@rm -f $@
	@$(AR) rcs $@ $^
$(B)/libkube.a: $(call obj,$(KUBE_SRC))
	@rm -f $@
	@$(AR) rcs $@ $^

# Which program links what: design rule, `ldd` is tested.
# podium is static: every shared library costs the loader 0.1 ms and more at each start, the C library 0.3 ms.
LIBS_podium := -lcyaml -lyaml -ljansson
# libmnl has no static library.
LIBS_podium-net := -Wl,-Bstatic -ljansson -lnftnl -Wl,-Bdynamic -lmnl
# Of libarchive only the reader of tar and two filters are used: linked statically it brings neither libxml2 nor ICU,
# which would take longer to load than a second pull takes.
# libcurl too, without the libraries of protocols that are never spoken: cmd/podium-image/absent.c.
CURL ?= static
CURL_static := -lcurl -lssl -lcrypto -lz -lbrotlidec -lbrotlicommon
CURL_shared := -Wl,-Bdynamic -lcurl -lcrypto
CPPFLAGS_shared := -DPODIUM_CURL_SHARED
LIBS_podium-image := -Wl,-Bstatic -larchive -llzma -lbz2 -lzstd -ljansson -lseccomp \
	$(CURL_$(CURL)) -Wl,-Bdynamic -lisal
$(B)/obj/cmd/podium-image/absent.o: CPPFLAGS += $(CPPFLAGS_$(CURL))
LIBS_podium-seccomp := -lseccomp -Wl,-Bstatic -ljansson -Wl,-Bdynamic
# Not wholly static: host names go through the C library's resolver, which loads its parts.
LIBS_podium-probe := -Wl,-Bstatic -lssl -lcrypto -ljansson -Wl,-Bdynamic
$(B)/podium-probe: $(call cmdobj,podium-probe) $(B)/libpodium.a
	@echo "  LD   $@"
	@$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(LIBS_podium-probe)
# podium-seccomp itself: mk/seccomp.mk
$(B)/podium: $(call cmdobj,podium) $(B)/libkube.a $(B)/libpodium.a
	@echo "  LD   $@"
	@$(CC) $(ALL_CFLAGS) $(if $(STATIC_PIE_$(VARIANT)),$(filter-out -pie,$(ALL_LDFLAGS))) \
		$(or $(STATIC_PIE_$(VARIANT)),$(ALL_LDFLAGS)) -o $@ $^ $(LIBS_podium)
$(B)/podium-net: $(call cmdobj,podium-net) $(B)/libpodium.a
	@echo "  LD   $@"
	@$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(LIBS_podium-net)
$(B)/podium-image: $(call cmdobj,podium-image) $(B)/libpodium.a
	@echo "  LD   $@"
	@$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(LIBS_podium-image)
# Static: they enter containers or stay for long. The sanitizers cannot link statically.
$(B)/podium-monitor $(B)/podium-launch: $(B)/%: $(B)/libpodium.a
STATIC_FLAGS = $(if $(STATIC_$(VARIANT)),-std=gnu17 $(CFLAGS_$(VARIANT)) -static -Wl$(,)--gc-sections,$(ALL_CFLAGS) $(ALL_LDFLAGS))
, := ,
$(B)/podium-monitor: $(call cmdobj,podium-monitor) $(B)/libpodium.a
	@echo "  LD   $@"
	@$(CC) $(STATIC_FLAGS) -o $@ $^ -ljansson
$(B)/podium-launch: $(call cmdobj,podium-launch) $(B)/libpodium.a
	@echo "  LD   $@"
	@$(CC) $(STATIC_FLAGS) -o $@ $^ -ljansson
# No libc at all: PID 1 of the pod's sandbox.
$(B)/podium-init: cmd/podium-init/main.c
	@mkdir -p $(@D)
	@echo "  LD   $@"
	@$(CC) -std=gnu17 $(WARN) -O2 -ffreestanding -fno-stack-protector -fno-pie -static \
		$(if $(findstring clang,$(CC)),,-fno-tree-loop-distribute-patterns) -nostdlib -nostartfiles \
		-Wl,-z,norelro,-n,--build-id=none -o $@ $<
$(B)/podium-pause: cmd/podium-pause/main.c
	@mkdir -p $(@D)
	@echo "  LD   $@"
	@$(CC) -std=gnu17 $(WARN) -O2 -ffreestanding -fno-stack-protector -fno-pie -static \
		-nostdlib -nostartfiles -Wl,-z,norelro,-n,--build-id=none -o $@ $<

# ---- tests ------------------------------------------------------------------------------------
UNIT := $(patsubst tests/unit/%.c,%,$(wildcard tests/unit/test_*.c))
SUPPORT_OBJ := $(call obj,$(filter-out %/mkimage.c %/payload.c %/fakeregistry.c %/fakecerts.c %/regclient.c %/servedimage.c %/pullbed.c,$(wildcard tests/support/*.c)))
TEST_LIBS := -lcunit -lcyaml -lyaml -ljansson -lnftnl -lmnl -larchive -lcrypto -lisal -lzstd -lseccomp -lcurl -lcrypt -lssl
# The lying registry is an archive: only the tests that use it load what it needs.
$(B)/libfake.a: $(call obj,tests/support/fakeregistry.c tests/support/fakecerts.c tests/support/regclient.c \
	tests/support/servedimage.c tests/support/pullbed.c)
	@rm -f $@
	@$(AR) rcs $@ $^
$(B)/tests/unit/%: $(B)/obj/tests/unit/%.o $(SUPPORT_OBJ) $(B)/libfake.a $(B)/libkube.a $(B)/libpodium.a
	@mkdir -p $(@D)
	@echo "  LD   $@"
	@$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(TEST_LIBS)
unit-tests: $(addprefix $(B)/tests/unit/,$(UNIT))
check-unit: $(if $(T),$(B)/tests/unit/test_$(T),unit-tests)
	@tests/support/run-unit $(if $(T),$(B)/tests/unit/test_$(T),$(addprefix $(B)/tests/unit/,$(UNIT)))

.PHONY: all unit-tests check-unit
.SECONDARY:
-include $(shell find $(B)/obj -name '*.d' 2>/dev/null)
