// What the files with exported functions share.
#pragma once
#include "InterposerEntry.h"
#include "real.h"
#include "regions.h"

#define EXPORT __attribute__((visibility("default")))
/// Of the exported function in which it stands. That function must have a frame, which it has
/// because this library is compiled with frame pointers.
#define FRAME __builtin_frame_address(0)

// As numbered by the trace format.
enum {
  MALLOC = 1, CALLOC, REALLOC, REALLOCARRAY, POSIX_MEMALIGN, ALIGNED_ALLOC, MEMALIGN, VALLOC, PVALLOC,
  NEW, NEW_ARRAY, NEW_NOTHROW, NEW_ARRAY_NOTHROW,
  NEW_ALIGNED = 16, NEW_ARRAY_ALIGNED, NEW_ALIGNED_NOTHROW, NEW_ARRAY_ALIGNED_NOTHROW,
  FREE = 32, CFREE, FREE_SIZED, FREE_ALIGNED_SIZED,
  DELETE, DELETE_ARRAY, DELETE_SIZED, DELETE_ARRAY_SIZED,
  DELETE_ALIGNED, DELETE_ARRAY_ALIGNED, DELETE_SIZED_ALIGNED, DELETE_ARRAY_SIZED_ALIGNED,
  DELETE_NOTHROW, DELETE_ARRAY_NOTHROW, DELETE_ALIGNED_NOTHROW, DELETE_ARRAY_ALIGNED_NOTHROW,
  MMAP = 64, MUNMAP, MREMAP, MADVISE, BRK, SBRK, MALLOC_TRIM, MALLOPT, MARK, POOL_ALLOC, POOL_FREE,
};

// A forked child, in which the byte was wiped, may have a recorder of its own to find.
static inline int recording(void) {
  return __builtin_expect(*lacuna_recording, 1) || (lacuna_follows && lacuna_join_family());
}

/// The binary logarithm of an alignment. glibc rounds up what is no power of two.
static inline uint32_t shift_of(size_t alignment) {
  return alignment > 1 ? 64 - (uint32_t)__builtin_clzl(alignment - 1) : 0;
}
