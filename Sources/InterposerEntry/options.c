// The functions by which a program sets its allocator's options or asks it to give memory back.
//
// malloc_info, malloc_stats and the mallinfo functions only read, and are left alone.
#include "entry.h"

EXPORT int mallopt(int parameter, int value) {
  if (!lacuna_find_real()) return 0;
  int done = lacuna_system.mallopt(parameter, value);
  if (done && recording())
    lacuna_did_system(MALLOPT, (uint64_t)(int64_t)parameter, (uint64_t)(int64_t)value, 0, NULL);
  return done;
}

EXPORT int malloc_trim(size_t pad) {
  if (!lacuna_find_real()) return 0;
  int released = lacuna_system.malloc_trim(pad);
  if (recording()) lacuna_did_system(MALLOC_TRIM, 0, pad, 0, NULL);
  return released;
}
