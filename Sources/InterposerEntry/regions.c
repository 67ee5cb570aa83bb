// The rule for sampled regions.
#include "regions.h"
#include "InterposerEntry.h"

// Until there is a session all counts: that nothing is recorded is said elsewhere.
struct lacuna_region_rule lacuna_quick_rule = {.threshold = 1};
static struct lacuna_region_rule full_rule = {.threshold = 1};
static int reads_chunks;

void lacuna_use_regions(const struct lacuna_region_rule *rule, int is_glibc) {
  full_rule = *rule;
  reads_chunks = is_glibc;
  if (!is_glibc) return;
  lacuna_quick_rule = *rule;
  // From the start of the chunk, which lies in front of the block.
  lacuna_quick_rule.grid -= 16;
}

int lacuna_counts(const void *block) {
  // Where all is recorded, no size is needed to know.
  if (lacuna_region_is_sampled(&full_rule, ((uint64_t)block + full_rule.grid) & full_rule.mask))
    return 1;
  uint64_t usable = reads_chunks ? (((const uint64_t *)block)[-1] & ~7ull) - 8
                                 : lacuna_real.malloc_usable_size((void *)block);
  return lacuna_block_counts(&full_rule, (uint64_t)block, usable);
}
