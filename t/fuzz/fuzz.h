/* fuzz.h: what the fuzz targets share with their drivers.
 *
 * A target is a function of some bytes, by libFuzzer's name.  It aborts if it
 * finds something wrong.  The driver is libFuzzer, for finding inputs, or
 * replay.c, for trying those that were kept.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

#endif
