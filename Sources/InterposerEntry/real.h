// The functions behind the interposed ones: libc's, or those of another preloaded allocator.
#pragma once
#include <stddef.h>
#include <stdint.h>

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

/// Finds the real functions and starts recording. Returns 0 while they are being found.
int lacuna_find_real(void);

/// What else a program asks of the C library that concerns memory. Until the first
/// call, the functions that find the others.
struct lacuna_system {
  void *(*mmap)(void *, size_t, int, int, int, long);
  int (*munmap)(void *, size_t);
  void *(*mremap)(void *, size_t, size_t, int, ...);
  int (*madvise)(void *, size_t, int);
  int (*brk)(void *);
  void *(*sbrk)(intptr_t);
  int (*mallopt)(int, int);
  int (*malloc_trim)(size_t);
};
extern struct lacuna_system lacuna_system;

/// 1 at the address while this process records.
extern const volatile unsigned char *lacuna_recording __attribute__((visibility("hidden")));

/// 1 where a process that does not record may ask for a recording of its own, as forked children
/// of a family do.
extern volatile unsigned char lacuna_follows __attribute__((visibility("hidden")));
/// The address of a function of the process that stands behind one of ours, or NULL.
void *lacuna_lookup(const char *name);

/// Looks all functions up again.
void lacuna_find_functions(void);
