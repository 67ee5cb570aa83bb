// A plugin that a process loads while it is recorded; see attached.c.
#include <stdint.h>
#include <stdlib.h>

// Allocates once, counts that, and returns what its own table of imports says of malloc.
uint64_t plugin_work(_Atomic uint64_t *allocations) {
  void *(*volatile function)(size_t) = malloc;
  void *block = malloc(24);
  ++*allocations;
  free(block);
  return (uint64_t)function;
}
