// What a program tells Lacuna itself, through lacuna.h.
#include "entry.h"

EXPORT void lacuna_mark(const char *name) {
  if (!name || !recording()) return;
  lacuna_did_mark(name);
  // Whoever wants to stop the program where it put a mark does it here.
}

EXPORT void lacuna_pool_alloc(const void *pool, const void *block, size_t size) {
  if (block && recording()) lacuna_did_pool(POOL_ALLOC, pool, block, size, FRAME);
}

EXPORT void lacuna_pool_free(const void *pool, const void *block) {
  if (block && recording()) lacuna_did_pool(POOL_FREE, pool, block, 0, FRAME);
}
