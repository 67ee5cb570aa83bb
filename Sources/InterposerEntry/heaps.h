// Heaps of thread arenas: whether glibc has changed one behind our back.
//
// A thread arena of glibc lies in heaps of 64 MiB at most, aligned to that (arena.c 2.36). A heap
// begins with where the arena is, the heap before, and its size; the arena lies in its first heap,
// which is never given back, and has the sum of all these sizes. Only the heap with the arena's top
// chunk ever grows, shrinks or goes. So a look at two words of the arena, the sum and the top, tells
// whether anything has changed since the last report.
#pragma once
#include "InterposerEntry.h"
#include "real.h"

// Left to itself the compiler makes calls of these, which cost more than they do.
#define ALWAYS static inline __attribute__((always_inline))

enum {
  HEAP_SHIFT = 26,
  HEAP_MASK = (1 << HEAP_SHIFT) - 1,
};

// Bits of the size word in front of a block (malloc.c 2.36, "A chunk").
enum { IS_MAPPED = 2, NOT_MAIN_ARENA = 4, CHUNK_FLAGS = 7 };

ALWAYS uint64_t size_word(const void *block) { return ((const uint64_t *)block)[-1]; }

ALWAYS struct lacuna_heap_entry *heap_entry(uint64_t address) {
  return &lacuna_heaps.table[address >> HEAP_SHIFT & (LACUNA_HEAP_ENTRIES - 1)];
}

/// The arena of a live block of a thread arena; 0 where it cannot be told.
///
/// Memory is read only where the kernel has said before that there is a heap: a program that damages
/// the word in front of a block may otherwise run on.
ALWAYS uint64_t arena_of(const void *block) {
  uint64_t heap = (uint64_t)block & ~(uint64_t)HEAP_MASK;
  if (__builtin_expect(heap_entry(heap)->base != heap, 0) && !lacuna_learn_heap(block)) return 0;
  return *(const uint64_t *)heap;
}

/// Reports what has changed in an arena since the last report, if anything has.
ALWAYS void look_at_arena(uint64_t arena) {
  const struct lacuna_heap_entry *seen = heap_entry(arena);
  uint64_t system = lacuna_load64((const uint64_t *)(arena + LACUNA_ARENA_SYSTEM));
  uint64_t top = lacuna_load64((const uint64_t *)(arena + LACUNA_ARENA_TOP));
  if (__builtin_expect(seen->base != (arena & ~(uint64_t)HEAP_MASK) || seen->system != system ||
                         (seen->top ^ top) >> HEAP_SHIFT, 0))
    lacuna_note_arena(arena);
}

/// The arena of a block that is to be watched; 0 for blocks of the main arena and mapped ones.
ALWAYS uint64_t watched_arena(const void *block) {
  if (!lacuna_heaps.are_watched || !(size_word(block) & NOT_MAIN_ARENA)) return 0;
  return arena_of(block);
}

/// As malloc_usable_size, for a live block; looks at its arena by the way.
ALWAYS size_t usable_size(void *block) {
  if (!lacuna_heaps.are_watched) return lacuna_real.malloc_usable_size(block);
  uint64_t word = size_word(block);
  if (word & (IS_MAPPED | NOT_MAIN_ARENA)) {
    if (word & IS_MAPPED) return (word & ~(uint64_t)CHUNK_FLAGS) - 16;
    uint64_t arena = arena_of(block);
    if (arena) look_at_arena(arena);
  }
  return (word & ~(uint64_t)CHUNK_FLAGS) - 8;
}
