// What the exported C functions and the Swift half of liblacuna.so give each other.
#pragma once
#include "CaptureABI.h"
#include <stddef.h>
#include <stdint.h>

// ---- Given to Swift -----------------------------------------------------------------------------

/// What one writer of records remembers between events. A thread has one for ordinary events and
/// one for those of a signal handler that interrupts an ordinary one.
struct lacuna_writer {
  struct lacuna_ring_control *control; // NULL until the first event
  uint64_t *words;
  uint64_t *scratch;                   // memory of the stack walker, private to the ring
  uint64_t head;
  uint64_t limit;                      // the ring has room up to here
  uint64_t last_ticks;
  uint64_t elsewhere_low, elsewhere_high; // readable, in this walk, outside the thread's stack
};

struct lacuna_thread {
  // Where on the stack the hooks stand that this thread is in; 0: in none. The second one is that of
  // a signal handler that interrupted the first. One store enters a hook, and one leaves it.
  uint64_t places[2];
  uint32_t serial;                     // 0 until the first event; then 1, 2, ...
  int32_t identifier;                  // the kernel's
  uint32_t is_operator_open;           // an operator new or delete waits for its block to be recorded
  uint32_t generation;                 // of the session that the writers belong to; 0: of none
  uint32_t nested_generation;          // the same of the second writer, while the first is in use
  uint64_t stack_low, stack_top;       // of the thread's own stack, what is known to be mapped
  uint64_t foreign_low, foreign_high;  // what was found not to belong to it
  struct lacuna_writer writers[2];
};

extern __thread struct lacuna_thread lacuna_thread_block
    __attribute__((tls_model("initial-exec"), visibility("hidden")));

static inline struct lacuna_thread *lacuna_current_thread(void) { return &lacuna_thread_block; }

enum { LACUNA_OPERATOR_DEPTH = 4 };

/// An operator new or delete that is under way. The function of the allocator that it calls, if it
/// calls one, records the block in its name.
struct lacuna_operator {
  const void *frame;        // of the exported operator
  const void *failed_frame; // of the allocator's exported function that gave the operator nothing
  uint64_t block;           // delete: its block. new: the block that was recorded last meanwhile
  uint64_t size;            // new: bytes asked for
  uint32_t entry;           // 0: recorded already
  uint32_t shift;           // new: of the alignment asked for
  uint32_t is_release;
  uint32_t pad;
};

/// Operators that are under way in a thread: more than one when the handler of a failed operator
/// new calls another, or when a program's own operator does.
struct lacuna_operators {
  struct lacuna_operator stack[LACUNA_OPERATOR_DEPTH];
  uint32_t count;
};

extern __thread struct lacuna_operators lacuna_operators_block
    __attribute__((tls_model("initial-exec"), visibility("hidden")));

/// The innermost operator that is under way in the calling thread, or NULL.
static inline struct lacuna_operator *lacuna_current_operator(void) {
  struct lacuna_operators *all = &lacuna_operators_block;
  return all->count ? &all->stack[all->count - 1] : (struct lacuna_operator *)0;
}

static inline struct lacuna_writer *lacuna_writer_of(struct lacuna_thread *thread, int index) {
  return &thread->writers[index];
}

static inline uint64_t *lacuna_place_of(struct lacuna_thread *thread, int index) {
  return &thread->places[index];
}

// ---- Fetching ahead -------------------------------------------------------------------------------

/// The stack walker's cache of rules, and the paths of its last walks. Without rules nothing is fetched.
struct lacuna_walk_tables {
  const char *rules;
  uint16_t *paths;
};

extern struct lacuna_walk_tables lacuna_walks __attribute__((visibility("hidden")));

void lacuna_use_walks(const void *rules, uint16_t *paths);

enum { LACUNA_RULE_SET_BYTES = 32, LACUNA_PATH_WIDTH = 16, LACUNA_PATH_BITS = 13 };

/// The set of the rule cache in which a code address is looked for.
static inline uint16_t lacuna_rule_set(uint64_t address) {
  return (uint16_t)(address * 0x9e3779b97f4a7c15u >> 48);
}

/// The path of the walks that begin at a return address and at that depth of the stack.
static inline uint16_t *lacuna_walk_path(uint16_t *paths, uint64_t address, uint64_t stack_pointer) {
  uint64_t hash = (address ^ stack_pointer << 16) * 0x9e3779b97f4a7c15u >> (64 - LACUNA_PATH_BITS);
  return paths + hash * LACUNA_PATH_WIDTH;
}

/// Has everything fetched that the walk from an exported function will probably need, while the
/// allocator works.
static inline __attribute__((always_inline)) void lacuna_fetch_walk(const void *frame) {
  const char *rules = __atomic_load_n(&lacuna_walks.rules, __ATOMIC_ACQUIRE);
  if (__builtin_expect(!rules, 0)) return;
  uint64_t caller = ((const uint64_t *)frame)[1];
  const uint16_t *path = lacuna_walk_path(lacuna_walks.paths, caller, (uint64_t)frame + 16);
  __builtin_prefetch(rules + lacuna_rule_set(caller - 1) * LACUNA_RULE_SET_BYTES);
  for (uint16_t count = path[0] & (LACUNA_PATH_WIDTH - 1), i = 1; i <= count; i++)
    __builtin_prefetch(rules + path[i] * LACUNA_RULE_SET_BYTES);
}

/// The frame address of the function into which this is inlined.
static inline __attribute__((always_inline)) uint64_t lacuna_frame_address(void) {
  return (uint64_t)__builtin_frame_address(0);
}

/// Whether an address lies in the code of this library.
int lacuna_is_own_code(uint64_t address);

/// The kernel's number of the calling thread, without a system call.
int32_t lacuna_thread_identifier(void);

/// The clock that both halves use. It does not wait for earlier instructions: the recorder knows that
/// stamps of different threads may be a little out of order.
static inline uint64_t lacuna_clock(uint32_t kind);

/// The end of the data segment, without a system call.
void *lacuna_current_break(void);
/// The address at which the calling thread's own stack begins, growing down from there.
uint64_t lacuna_stack_top(int is_first_thread);
/// The address of the calling thread's control block.
static inline uint64_t lacuna_thread_pointer(void) { return (uint64_t)__builtin_thread_pointer(); }
/// Asks the kernel for the end of the data segment once.
void lacuna_learn_break(void);

/// Says whether children of fork are to call `lacuna_join_family`.
void lacuna_set_follows(int follows);
int lacuna_is_following(void);
/// Has `lacuna_forked` called in every child of fork; once is enough.
void lacuna_watch_forks(void);

/// Finds the loaded object at `pc`, lock-free. Returns 0 if there is none.
struct lacuna_object {
  uint64_t start, end, bias, eh_frame_header;
  const char *path;
};
int lacuna_find_object(uint64_t pc, struct lacuna_object *object);

/// Finds the dynamic loader itself. Returns 0 if it cannot.
int lacuna_find_loader(struct lacuna_object *object);
/// Whether the loader is adding objects to the process, as it tells debuggers.
int lacuna_loader_is_adding(void);
/// Whether a thread that died held the lock. The kernel says so in the lock itself, also after
/// SIGKILL: no system call is needed to ask.
int lacuna_owner_died(const void *robust_mutex);

/// The address of the malloc that answers.
uint64_t lacuna_real_malloc_address(void);

/// What was last reported of a heap of a thread arena; the last three of the first heap of each
/// arena only, where the arena itself lies. Zero until then.
struct lacuna_heap_entry {
  uint64_t base;
  uint64_t system;                     // bytes of all heaps of the arena
  uint64_t top;                        // its top chunk
  uint64_t below;                      // bytes of its heaps but the one with the top chunk
};

enum {
  LACUNA_HEAP_ENTRIES = 1024,          // a power of two; heaps share an entry from 64 GiB on
  // Offsets in struct malloc_state, the same from glibc 2.27 on.
  LACUNA_ARENA_TOP = 96,
  LACUNA_ARENA_SYSTEM = 2184,
};

/// The table stays once it is there; `are_watched` is 0 while the allocator is not glibc's, or when
/// its heaps could not be understood.
struct lacuna_heaps {
  struct lacuna_heap_entry *table;
  uint32_t are_watched;
};
extern struct lacuna_heaps lacuna_heaps __attribute__((visibility("hidden")));

static inline struct lacuna_heaps *lacuna_heaps_state(void) { return &lacuna_heaps; }
/// Sets which blocks count from now on; `is_glibc` where glibc's malloc answers.
void lacuna_use_regions(const struct lacuna_region_rule *rule, int is_glibc);

/// A system call that leaves errno alone. Returns the kernel's result, negative on failure.
static inline long lacuna_syscall(long number, long a, long b, long c, long d, long e, long f) {
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  register long r9 __asm__("r9") = f;
  long result;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
}

static inline uint64_t lacuna_clock(uint32_t kind) {
  if (__builtin_expect(kind == 0, 1))
    return lacuna_rdtsc();
  struct { long seconds, nanoseconds; } now;
  lacuna_syscall(228 /* clock_gettime */, 1 /* CLOCK_MONOTONIC */, (long)&now, 0, 0, 0, 0);
  return (uint64_t)now.seconds * 1000000000u + (uint64_t)now.nanoseconds;
}

// ---- Given by Swift -----------------------------------------------------------------------------

/// Joins the recorder that the environment names. Returns a byte that is 1 while this process
/// records and becomes 0 in every child of fork, or NULL when nothing is to be recorded.
const volatile uint8_t *lacuna_start(char **environment);

/// Called by the first hook of a forked child: asks for a recording of its own. Returns whether this
/// process records now.
int lacuna_join_family(void);
/// Called in a child of fork: cuts it off from its parent's rings.
void lacuna_forked(void);
/// Joins the recorder that has attached to this process. Returns as `lacuna_start` does.
const volatile uint8_t *lacuna_join(struct lacuna_attachment *request);
/// Added to an alignment's shift where the short record has no room for the entry point.
enum { LACUNA_LONG_FORM = 64 };

/// `frame` is the frame address of the exported function: its caller's rbp, return address and,
/// above them, stack.
void lacuna_did_allocate(void *block, size_t size, size_t usable, uint32_t entry,
                         uint32_t alignment_shift, const void *frame);
void lacuna_will_free(void *block);
/// As lacuna_will_free, for a block that `entry` releases.
void lacuna_will_release(void *block, uint32_t entry);
/// An event that will not be in the trace.
void lacuna_did_lose(void);
/// An allocating function failed, perhaps one that an operator new called.
void lacuna_did_fail(size_t size, const void *frame);
/// Returns the stamp of the moment before the call.
uint64_t lacuna_will_reallocate(void);
void lacuna_did_reallocate(void *old, void *block, size_t size, size_t usable, uint32_t entry,
                           uint64_t ticks_before, const void *frame);

/// Looks whether a block of a thread arena lies in a heap as we know them. Returns 0 if not.
int lacuna_learn_heap(const void *block);
/// Reports the heaps of an arena whose size was not reported yet, and those that are gone.
void lacuna_note_arena(uint64_t arena);
/// Looks at all arenas: what the end of a thread changed there, nobody has seen.
void lacuna_sweep_arenas(void);

/// Modules have come or gone: nothing that was learned of code addresses holds any more.
void lacuna_modules_changed(void);
// What a system call did, in the fields of LACUNA_EXT_SYSTEM. `frame` is NULL where no stack is kept.
void lacuna_did_system(uint32_t entry, uint64_t address, uint64_t size, uint64_t detail,
                       const void *frame);
/// Follows lacuna_will_reallocate: memory was unmapped, or the call failed (bytes is 0).
void lacuna_did_unmap(uint64_t address, uint64_t bytes, uint64_t ticks_before);
/// Follows lacuna_will_reallocate: memory moved, or the call failed (address is 0).
void lacuna_did_remap(uint64_t old, uint64_t old_bytes, uint64_t address, uint64_t bytes,
                      uint64_t ticks_before, const void *frame);

/// Returns the number of the mark, from 1 on; 0 where it could not be recorded.
uint32_t lacuna_did_mark(const char *name);
void lacuna_did_pool(uint32_t entry, const void *pool, const void *block, size_t size,
                     const void *frame);
/// Waits until the recorder has looked at the memory of this process, for a reason of LACUNA_GATE_…
/// Returns at once where nothing is recorded, and soon where the recorder does not answer.
void lacuna_gate(uint32_t reason, uint64_t detail);
