# SPDX-License-Identifier: Apache-2.0
# Tests of the command's parts: they link all of it but main().
CMD_PART_OBJ := $(call obj,$(filter-out %/main.c,$(wildcard cmd/podium/*.c cmd/podium/*/*.c)))
CMD_TESTS := $(addprefix $(B)/tests/unit/test_,options format template listing progress play_images kubetable networkwords mountwords createplan createwords conf detachkeys compat create_flags manpages)
$(CMD_TESTS): $(B)/tests/unit/%: $(B)/obj/tests/unit/%.o \
	$(call obj,tests/support/fakestore.c tests/support/capture.c) $(CMD_PART_OBJ) $(B)/libkube.a $(B)/libpodium.a
	@mkdir -p $(@D)
	@echo "  LD   $@"
	@$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(TEST_LIBS)
CMD_FUZZ := $(addprefix $(B)/tests/fuzz/fuzz_,template networkwords mountwords createwords cpwords conf detachkeys timeparse)
$(CMD_FUZZ): $(B)/tests/fuzz/%: $(B)/obj/tests/fuzz/%.o \
	$(if $(filter fuzz,$(VARIANT)),,$(B)/obj/tests/fuzz/driver.o) \
	$(CMD_PART_OBJ) $(B)/libkube.a $(B)/libpodium.a
	@mkdir -p $(@D)
	@echo "  LD   $@"
	@$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) $(if $(filter fuzz,$(VARIANT)),-fsanitize=fuzzer) -o $@ $^ $(TEST_LIBS)
