// What a program tells Lacuna itself, through lacuna.h.
#include "entry.h"

EXPORT void lacuna_mark(const char *name) {
  if (!name || !recording()) return;
  uint32_t number = lacuna_did_mark(name);
  if (number) lacuna_gate(LACUNA_GATE_MARK, number - 1);
}

EXPORT void lacuna_pool_alloc(const void *pool, const void *block, size_t size) {
  if (block && recording()) lacuna_did_pool(POOL_ALLOC, pool, block, size, FRAME);
}

EXPORT void lacuna_pool_free(const void *pool, const void *block) {
  if (block && recording()) lacuna_did_pool(POOL_FREE, pool, block, 0, FRAME);
}
