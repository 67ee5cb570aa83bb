// The shared memory through which a traced process and its recorder talk, and the few machine
// instructions that Swift cannot say.
//
// One segment, a memfd that the recorder owns:
//
//   header | ring controls | module table | stack nodes | rings
//
// The traced process only ever writes memory. Each thread writes records into a ring of its own,
// so that nothing is locked; the recorder merges the rings by time stamp. Everything is sparse:
// what is not used costs address space only.
#pragma once
#include "CaptureAttach.h"
#include <stdint.h>

#define LACUNA_MAGIC 0x314d454d4143414cull /* "LACAMEM1" */
#define LACUNA_ABI_VERSION 2u

enum {
  LACUNA_RING_COUNT = 256,
  LACUNA_RING_WORDS = 1 << 20,     // of 8 bytes; a power of two
  LACUNA_SHARED_RING = 0,          // for threads that find no ring of their own; locked
  LACUNA_MODULE_CAPACITY = 4096,
  LACUNA_NODE_CAPACITY = 1 << 22,  // ids must fit 24 bits
  LACUNA_PATH_BYTES = 432,
  LACUNA_NO_GENERATION = 0xffff,   // of code that lies where a module was, and is none
  LACUNA_STACK_LIMIT = 128,        // frames kept of one stack, innermost first
  LACUNA_OWN_RANGES = 4,
};

// ---- Records ------------------------------------------------------------------------------------
//
// A record is one or more 64-bit words. The first word holds
//   bits 0-2   kind
//   bits 3-19  clock ticks since the previous record of this ring
//   bits 20-63 address / 8 (releases, allocate), or the sort of an extended record
// Extended records say their own time; their tick field is zero. Entry points are numbered as in the
// trace format (EntryPoint in Sources/Trace).

enum {
  LACUNA_KIND_FREE = 1,     // 1 word
  LACUNA_KIND_ALLOCATE = 2, // 2 words; second: size (36 bits) | node (24) | entry point (4)
  LACUNA_KIND_EXTENDED = 3,
  LACUNA_KIND_DELETE = 4,   // 1 word, as all that follow: the commonest operators delete
  LACUNA_KIND_DELETE_ARRAY = 5,
  LACUNA_KIND_DELETE_SIZED = 6,
  LACUNA_KIND_DELETE_ARRAY_SIZED = 7,
};

enum {
  LACUNA_TICK_BITS = 17,
  LACUNA_SIZE_BITS = 36,
  LACUNA_NODE_BITS = 24,
};

enum {
  LACUNA_EXT_TIME = 1,       // ticks                                                     2 words
  LACUNA_EXT_ALLOCATE = 2,   // ticks, address, size, usable, node|entry<<32|shift<<40    6 words
  LACUNA_EXT_REALLOCATE = 3, // ticks before, after, old, new, size, usable, node|entry   8 words
  LACUNA_EXT_BREAK = 4,      // ticks, end of the data segment                            3 words
  LACUNA_EXT_IMAGE = 5,      // ticks, number of the program image, start of its break     4 words
  LACUNA_EXT_THREAD = 6,     // ticks, thread that writes from here on: serial | kernel's id<<32  3 words
  LACUNA_EXT_RELEASE = 7,    // ticks, address, entry: a free by one of the rarer functions 4 words
  LACUNA_EXT_SYSTEM = 8,     // ticks, node|entry<<32, address, size, detail               6 words
                             //   mmap, mremap: size mapped at address; detail: lacuna_map_flags
                             //   munmap, and before an mremap with detail 1: size unmapped at address
                             //   madvise: size; detail: the advice. brk, sbrk: the new break
                             //   malloc_trim: size: the pad. mallopt: address: parameter, size: value
  LACUNA_EXT_MARK = 9,       // ticks, bytes of the name, the name                    3 words + name
  LACUNA_EXT_POOL = 10,      // ticks, node|entry<<32, pool, address, size                 6 words
  LACUNA_EXT_HEAP = 11,      // ticks, start of a heap of a thread arena, bytes,          5 words
                             //   start of the arena's heap before it | 1 if it has the arena's top
};

enum {
  LACUNA_MARK_BYTES = 256,   // of a mark's name at most
};

/// The detail of a mapping: MappingTraits of the trace format.
static inline uint64_t lacuna_map_flags(int protection, int flags, int moved) {
  return (flags & 0x20 ? 1 : 0) | (flags & 0x01 ? 2 : 0) | (flags & 0x10 ? 4 : 0)
    | (flags & 0x4000 ? 8 : 0) | (flags & 0x40000 ? 16 : 0) | (protection & 1 ? 32 : 0)
    | (protection & 2 ? 64 : 0) | (protection & 4 ? 128 : 0) | (moved ? 256 : 0);
}

// ---- Sampled regions ----------------------------------------------------------------------------

/// Which regions of the address space are recorded. The recorder chooses the numbers
/// (RegionSampling in Sources/Trace says how). All zero but a threshold of 1: all.
struct lacuna_region_rule {
  uint64_t grid;       // added to an address before all else: where the borders are
  uint64_t mask;       // keeps of that sum where its region begins
  uint64_t multiplier; // of the hash
  uint64_t offset;     // of the hash
  uint64_t threshold;  // regions with a smaller hash are sampled
};

/// Whether the region is sampled that begins at `base`, counted on the grid.
static inline int lacuna_region_is_sampled(const struct lacuna_region_rule *rule, uint64_t base) {
  return base * rule->multiplier + rule->offset < rule->threshold;
}

/// Whether a sampled region holds any byte from `first` up to and including `last`.
static inline int lacuna_regions_touch(const struct lacuna_region_rule *rule, uint64_t first,
                                       uint64_t last) {
  uint64_t base = (first + rule->grid) & rule->mask;
  uint64_t end = (last + rule->grid) & rule->mask;
  // One block in so many is sampled soon, however long; nonsense that wraps around counts.
  for (; base < end; base += -rule->mask)
    if (lacuna_region_is_sampled(rule, base)) return 1;
  return base > end || lacuna_region_is_sampled(rule, base);
}

/// Whether a block counts: whether a sampled region holds any of its bytes, of its header, or the
/// byte behind it, which tells whether a hole begins there.
static inline int lacuna_block_counts(const struct lacuna_region_rule *rule, uint64_t block,
                                      uint64_t usable) {
  return lacuna_regions_touch(rule, block - 16, block + usable);
}

// ---- Structures ---------------------------------------------------------------------------------

struct lacuna_header {
  uint64_t magic;
  uint32_t version;
  int32_t recorder_pid;
  uint64_t segment_bytes;
  uint64_t controls_offset, modules_offset, nodes_offset, rings_offset;
  uint32_t clock;          // 0: time stamp counter, 1: CLOCK_MONOTONIC
  uint32_t stack_limit;    // 0: no stacks

  int32_t traced_pid;      // claimed by the first process that loads the library
  uint32_t image_count;    // program images so far: one more after each exec
  uint32_t thread_count;   // threads that have claimed a ring so far
  uint32_t node_count;
  uint32_t mark_count;     // names that the program gave to moments
  uint32_t module_count;
  uint32_t ring_limit;     // rings from this one on have never been claimed
  uint32_t closed;         // nobody records any more
  uint64_t lost_events;
  uint64_t truncated_stacks;
  uint32_t block_header_bytes;
  uint32_t stack_method;   // 0: call frame information, 1: frame pointers

  // The gate: a thread that wants the process looked at raises the request and waits until the
  // recorder has raised `done` to it.
  uint32_t gate_request;
  uint32_t gate_done;
  uint32_t gate_reason;    // LACUNA_GATE_…; 0 once the thread has given up waiting
  uint32_t gate_owner;     // the thread that waits, by the kernel's id; 0: the gate is free
  uint32_t gate_takes_marks; // the recorder has time to look at marks
  uint64_t gate_detail;    // of a mark, its number

  // Private memory of the library in the traced process: pairs of start and end.
  uint64_t own[2 * LACUNA_OWN_RANGES];
  uint32_t unrecorded_images; // those that had no room for this segment
  uint64_t recorder_life[8]; // a robust pthread_mutex_t that the recorder holds for as long as it lives
  char executable[LACUNA_PATH_BYTES];
  char allocator[LACUNA_PATH_BYTES];
  struct lacuna_region_rule regions;
};

static inline uint64_t lacuna_unrecorded_images_offset(void) {
  return __builtin_offsetof(struct lacuna_header, unrecorded_images);
}

/// Where the mutex lies.
static inline uint64_t *lacuna_recorder_life(struct lacuna_header *header) {
  return header->recorder_life;
}

struct lacuna_ring_control {
  // Written by the thread.
  uint64_t head;           // words ever written
  uint64_t pending;        // 0: at rest; 1: about to take a stamp; else the oldest stamp in flight
  int32_t thread_id;       // kernel's
  uint32_t thread_serial;
  uint32_t image;
  uint32_t claimed;        // 1 from claim until the recorder gives the ring back
  uint32_t lock;           // of the shared ring
  uint32_t pad0;
  uint64_t thread_pointer; // the address of the thread's control block (fs)
  uint8_t pad1[16];
  // Written by the recorder, on a line of its own.
  uint64_t tail;           // words ever read
  uint8_t pad2[56];
};

struct lacuna_module {
  uint64_t start, end;     // mapped addresses
  uint64_t bias;           // what the loader added
  uint32_t image;
  uint32_t generation;     // of the files that lay at overlapping addresses in turn: 0, 1, ...
  uint32_t ready;          // 1 when all else is written
  uint32_t build_id_bytes;
  uint8_t build_id[20];
  uint32_t pad;
  char path[LACUNA_PATH_BYTES];
};

/// A node of the tree of call stacks. A child of node 0 is the root of a program image, and its
/// return_address the image's number; every other node is a call, whose return_address has the
/// generation of its module in bits 48 to 63.
struct lacuna_node {
  uint64_t return_address;
  uint32_t parent;
  uint32_t ready;
};

// Why the process should be looked at.
enum {
  LACUNA_GATE_EXIT = 1,
  LACUNA_GATE_MARK = 2,
};

// ---- Memory order -------------------------------------------------------------------------------

static inline uint32_t lacuna_load32(const uint32_t *p) { return __atomic_load_n(p, __ATOMIC_ACQUIRE); }
static inline uint64_t lacuna_load64(const uint64_t *p) { return __atomic_load_n(p, __ATOMIC_ACQUIRE); }
static inline void lacuna_store32(uint32_t *p, uint32_t v) { __atomic_store_n(p, v, __ATOMIC_RELEASE); }
static inline void lacuna_store64(uint64_t *p, uint64_t v) { __atomic_store_n(p, v, __ATOMIC_RELEASE); }
static inline uint32_t lacuna_add32(uint32_t *p, uint32_t v) { return __atomic_fetch_add(p, v, __ATOMIC_ACQ_REL); }
static inline uint64_t lacuna_add64(uint64_t *p, uint64_t v) { return __atomic_fetch_add(p, v, __ATOMIC_ACQ_REL); }

static inline int lacuna_swap32(uint32_t *p, uint32_t from, uint32_t to) {
  return __atomic_compare_exchange_n(p, &from, to, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}
static inline int lacuna_swap64(uint64_t *p, uint64_t from, uint64_t to) {
  return __atomic_compare_exchange_n(p, &from, to, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}

/// Makes `pid` the traced process if there is none yet.
static inline int lacuna_claim(struct lacuna_header *header, int32_t pid) {
  int32_t none = 0;
  return __atomic_compare_exchange_n(&header->traced_pid, &none, pid, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}

// ---- Clock --------------------------------------------------------------------------------------

/// The time stamp counter. May be read before earlier loads have finished.
static inline uint64_t lacuna_rdtsc(void) { return __builtin_ia32_rdtsc(); }

/// The time stamp counter, read after all earlier instructions have finished.
static inline uint64_t lacuna_rdtscp(void) {
  uint32_t cpu;
  return __builtin_ia32_rdtscp(&cpu);
}

/// What glibc's malloc makes usable for `size` bytes, unless the block is mapped on its own or the
/// rest of a split was too small to stand alone.
static inline uint64_t lacuna_usual_usable(uint64_t size) {
  uint64_t chunk = (size + 8 + 15) & ~15ull;
  return (chunk < 32 ? 32 : chunk) - 8;
}

#include "CaptureLobby.h"
