# SPDX-License-Identifier: Apache-2.0
# Test images from Debian packages, and what the image tests run.
$(B)/tests/mkimage: $(B)/obj/tests/support/mkimage.o $(B)/libpodium.a
	@mkdir -p $(@D)
	@echo "  LD   $@"
	@$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ -larchive -lcrypto -ljansson
