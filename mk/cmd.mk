# SPDX-License-Identifier: Apache-2.0
# Tests of what the command is made of: they link its objects that are no commands, apart from main().
CMD_PART_OBJ := $(call obj,$(wildcard cmd/podium/template_*.c) $(addprefix cmd/podium/,command.c \
	filter.c format.c options.c podview.c timeparse.c view.c))
CMD_TESTS := $(addprefix $(B)/tests/unit/test_,options format template view)
$(CMD_TESTS): $(B)/tests/unit/%: $(B)/obj/tests/unit/%.o $(CMD_PART_OBJ) $(B)/libkube.a $(B)/libpodium.a
	@mkdir -p $(@D)
	@echo "  LD   $@"
	@$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(TEST_LIBS)
CMD_FUZZ := $(B)/tests/fuzz/fuzz_template
$(CMD_FUZZ): $(B)/tests/fuzz/%: $(B)/obj/tests/fuzz/%.o $(if $(filter fuzz,$(VARIANT)),,$(B)/obj/tests/fuzz/driver.o) $(CMD_PART_OBJ) $(B)/libkube.a $(B)/libpodium.a
	@mkdir -p $(@D)
	@echo "  LD   $@"
	@$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) $(if $(filter fuzz,$(VARIANT)),-fsanitize=fuzzer) -o $@ $^ $(TEST_LIBS)
