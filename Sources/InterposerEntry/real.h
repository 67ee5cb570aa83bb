// The functions behind the interposed ones: libc's, or those of another preloaded allocator.
#pragma once
#include <stddef.h>

struct lacuna_functions {
  void *(*malloc)(size_t);
  void *(*calloc)(size_t, size_t);
  void *(*realloc)(void *, size_t);
  void (*free)(void *);
  int (*posix_memalign)(void **, size_t, size_t);
  void *(*aligned_alloc)(size_t, size_t);
  void *(*memalign)(size_t, size_t);
  void *(*valloc)(size_t);
  void *(*pvalloc)(size_t);
  size_t (*malloc_usable_size)(void *);
};

/// Until the first call, the functions that find the others.
extern struct lacuna_functions lacuna_real __attribute__((visibility("hidden")));

/// 1 at the address while this process records.
extern const volatile unsigned char *lacuna_recording __attribute__((visibility("hidden")));
