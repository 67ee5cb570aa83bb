// Whether a block counts where only some regions of the address space are recorded.
#pragma once
#include "CaptureABI.h"
#include "real.h"

/// The rule of the session, in a form in which most blocks are passed over quickly.
extern struct lacuna_region_rule lacuna_quick_rule __attribute__((visibility("hidden")));

/// Whether the block counts. Asked after an allocation and before a free, both times of the same
/// numbers, so that the answers agree and no table is needed: the address, and the usable size.
int lacuna_counts(const void *block);

// False for most blocks that do not count: those of glibc that lie in one region. Their size stands
// in front of them (malloc.c 2.36, "A chunk"), where malloc has just written it and free is about to
// read it. The flags in its low three bits may change while the block lives: they count as set.
// Of the blocks of other allocators nothing is read, and where all is recorded, nothing either: the
// quick rule says of all of them that they may count.
static inline __attribute__((always_inline)) int may_count(const void *block) {
  const struct lacuna_region_rule *rule = &lacuna_quick_rule;
  uint64_t start = (uint64_t)block + rule->grid;
  uint64_t base = start & rule->mask;
  if (lacuna_region_is_sampled(rule, base)) return 1;
  uint64_t last = start + (((const uint64_t *)block)[-1] | 7) + 1;
  return __builtin_expect((last & rule->mask) != base, 0);
}

static inline int counts(const void *block) { return may_count(block) && lacuna_counts(block); }
