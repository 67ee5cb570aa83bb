// The exported functions of the malloc family. Each calls the real one itself, so that no Swift
// frame, which would have no unwind information, is on the stack while the allocator runs.
//
// An allocation is reported after the real call and a free before it: then no address is ever seen
// to be handed out again while it lives, whichever thread does what.
#include "entry.h"
#include "heaps.h"
#include "regions.h"
#include <errno.h>

struct lacuna_walk_tables lacuna_walks;

// Other threads may be on their way through an exported function: who sees rules must see paths.
void lacuna_use_walks(const void *rules, uint16_t *paths) {
  if (rules) lacuna_walks.paths = paths;
  __atomic_store_n(&lacuna_walks.rules, (const char *)rules, __ATOMIC_RELEASE);
}

// No block: the operator new that may have called wants to know.
static __attribute__((noinline, cold)) void *refused(size_t size, const void *frame) {
  if (recording()) lacuna_did_fail(size, frame);
  return NULL;
}

// Reports a block, if it counts, with what the allocator makes usable of it.
static __attribute__((noinline, not_tail_called)) void
report(void *block, size_t size, uint32_t entry, uint32_t shift, const void *frame) {
  if (lacuna_counts(block) && recording())
    lacuna_did_allocate(block, size, usable_size(block), entry, shift, frame);
}

static inline __attribute__((always_inline)) void *
allocated(void *block, size_t size, uint32_t entry, uint32_t shift, const void *frame) {
  if (__builtin_expect(!block, 0)) return refused(size, frame);
  if (may_count(block)) report(block, size, entry, shift, frame);
  return block;
}

static inline __attribute__((always_inline)) void *
reallocated(void *old, size_t size, uint32_t entry, const void *frame) {
  if (!old) return allocated(lacuna_real.realloc(old, size), size, entry, 0, frame);
  if (!recording()) return lacuna_real.realloc(old, size);
  if (!counts(old)) return allocated(lacuna_real.realloc(old, size), size, entry, 0, frame);
  uint64_t arena = watched_arena(old);
  uint64_t before = lacuna_will_reallocate();
  void *block = lacuna_real.realloc(old, size);
  if (block && !counts(block)) {
    lacuna_did_reallocate(old, NULL, 0, 0, entry, before, frame);
    if (arena) look_at_arena(arena);
    return block;
  }
  size_t usable = block ? usable_size(block) : 0;
  lacuna_did_reallocate(old, block, size, usable, entry, before, frame);
  if (arena) look_at_arena(arena);
  return block;
}

// An operator that is under way has done so already, for its own caller.
static inline __attribute__((always_inline)) void expect(const void *frame) {
  if (!lacuna_current_thread()->is_operator_open) lacuna_fetch_walk(frame);
}

EXPORT void *malloc(size_t size) {
  expect(FRAME);
  return allocated(lacuna_real.malloc(size), size, MALLOC, 0, FRAME);
}

EXPORT void *calloc(size_t count, size_t size) {
  expect(FRAME);
  return allocated(lacuna_real.calloc(count, size), count * size, CALLOC, 0, FRAME);
}

EXPORT void *realloc(void *old, size_t size) {
  expect(FRAME);
  return reallocated(old, size, REALLOC, FRAME);
}

// glibc's own would call realloc through its table of imports and be seen twice.
EXPORT void *reallocarray(void *old, size_t count, size_t size) {
  size_t bytes;
  if (__builtin_mul_overflow(count, size, &bytes)) {
    errno = ENOMEM;
    return NULL;
  }
  return reallocated(old, bytes, REALLOCARRAY, FRAME);
}

// A function of its own, so that the blocks that do not count are passed on without a frame.
static __attribute__((noinline)) void report_and_free(void *block) {
  if (lacuna_counts(block) && recording()) {
    uint64_t arena = watched_arena(block);
    lacuna_will_free(block);
    if (arena) {
      lacuna_real.free(block);
      look_at_arena(arena);
      return;
    }
  }
  lacuna_real.free(block);
}

EXPORT void free(void *block) {
  if (block && may_count(block)) return report_and_free(block);
  lacuna_real.free(block);
}

EXPORT int posix_memalign(void **result, size_t alignment, size_t size) {
  int status = lacuna_real.posix_memalign(result, alignment, size);
  void *block = status == 0 ? *result : NULL;
  allocated(block, size, POSIX_MEMALIGN, shift_of(alignment), FRAME);
  return status;
}

EXPORT void *aligned_alloc(size_t alignment, size_t size) {
  return allocated(lacuna_real.aligned_alloc(alignment, size), size, ALIGNED_ALLOC,
                   shift_of(alignment), FRAME);
}

EXPORT void *memalign(size_t alignment, size_t size) {
  return allocated(lacuna_real.memalign(alignment, size), size, MEMALIGN, shift_of(alignment), FRAME);
}

EXPORT void *valloc(size_t size) {
  return allocated(lacuna_real.valloc(size), size, VALLOC, 12, FRAME);
}

EXPORT void *pvalloc(size_t size) {
  return allocated(lacuna_real.pvalloc(size), size, PVALLOC, 12, FRAME);
}

EXPORT size_t malloc_usable_size(void *block) { return lacuna_real.malloc_usable_size(block); }
