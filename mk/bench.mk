# SPDX-License-Identifier: Apache-2.0
# What `make bench` measures with; tests/bench/bench is the runner.
BENCH_FLOOR_OBJ := $(call obj,$(filter-out %/floor_pull.c,$(wildcard tests/bench/floor*.c)))
BENCH_SUPPORT_OBJ := $(call obj,tests/support/netlab.c)
BENCH_PROGRAMS := $(addprefix $(B)/tests/bench/,ttp floor floor_pull bench_log bench_net)
$(B)/tests/bench/ttp: $(B)/obj/tests/bench/ttp.o $(B)/libpodium.a
	@mkdir -p $(@D)
	@echo "  LD   $@"
	@$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^
$(B)/tests/bench/floor: $(BENCH_FLOOR_OBJ) $(B)/libpodium.a
	@mkdir -p $(@D)
	@echo "  LD   $@"
	@$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ -lmnl -lnftnl -lseccomp
# A program of its own: its libraries would make the others start later.
$(B)/tests/bench/floor_pull: $(B)/obj/tests/bench/floor_pull.o $(B)/libpodium.a
	@mkdir -p $(@D)
	@echo "  LD   $@"
	@$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ -lcrypto -lisal -lzstd
$(B)/tests/bench/bench_%: $(B)/obj/tests/bench/bench_%.o $(BENCH_SUPPORT_OBJ) $(B)/libpodium.a
	@mkdir -p $(@D)
	@echo "  LD   $@"
	@$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(TEST_LIBS)
bench-programs: $(BENCH_PROGRAMS)
.PHONY: bench-programs
