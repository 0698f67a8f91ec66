/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz - what a fuzz target gives: called with each input, aborts when a law is broken. */
#ifndef PODIUM_TESTS_FUZZ_H
#define PODIUM_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
