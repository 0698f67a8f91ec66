# SPDX-License-Identifier: Apache-2.0
# The default system call filter is compiled by our own podium-seccomp and becomes part of
# sysfilter.o: so podium-seccomp is linked from its own objects and the base, not from the library.
SECCOMP_BASE := $(call obj,$(addprefix engine/base/,error.c mem.c str.c fs.c clock.c proc.c seams.c json.c) engine/security/caps.c)
$(B)/podium-seccomp: $(call cmdobj,podium-seccomp) $(SECCOMP_BASE)
	@echo "  LD   $@"
	@$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(LIBS_podium-seccomp)
$(B)/gen/sysfilter_default.inc: $(B)/podium-seccomp
	@mkdir -p $(@D)
	@$(B)/podium-seccomp generate >$@.tmp && mv $@.tmp $@
$(B)/obj/engine/security/sysfilter.o: $(B)/gen/sysfilter_default.inc
# The compiler of profiles is tested and fuzzed by itself.
PROFILE_OBJ := $(call obj,cmd/podium-seccomp/profile.c)
$(B)/tests/unit/test_profile: $(PROFILE_OBJ)
$(B)/tests/fuzz/fuzz_profile: $(B)/obj/tests/fuzz/fuzz_profile.o \
	$(if $(filter fuzz,$(VARIANT)),,$(B)/obj/tests/fuzz/driver.o) $(PROFILE_OBJ) $(B)/libpodium.a
	@mkdir -p $(@D)
	@echo "  LD   $@"
	@$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) $(if $(filter fuzz,$(VARIANT)),-fsanitize=fuzzer) -o $@ $^ $(TEST_LIBS)
# The filter and launch tests run the programs.
$(B)/tests/unit/test_sysfilter: | $(B)/podium-seccomp
$(B)/tests/unit/test_launch_live: | $(B)/podium-launch $(B)/podium-pause $(B)/podium-seccomp $(B)/tests/payload
$(B)/tests/unit/test_security_live: | $(B)/podium-launch $(B)/podium-pause $(B)/podium-seccomp $(B)/tests/payload
$(B)/tests/unit/test_launch_files: | $(B)/podium-launch $(B)/podium-pause $(B)/podium-seccomp $(B)/tests/payload
$(B)/tests/unit/test_launch_volumes: | $(B)/podium-launch $(B)/podium-pause $(B)/podium-seccomp $(B)/tests/payload
$(B)/tests/unit/test_launch_mounts: | $(B)/podium-launch $(B)/podium-pause $(B)/podium-seccomp $(B)/tests/payload
