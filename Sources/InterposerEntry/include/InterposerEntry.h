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
  uint32_t depth;                      // hooks that this thread is in: more than 1 inside a signal
  uint32_t serial;                     // 0 until the first event; then 1, 2, ...
  uint32_t generation;                 // of the session that the writers belong to; 0: of none
  uint64_t stack_low, stack_top;       // of the thread's own stack, what is known to be mapped
  uint64_t foreign_low, foreign_high;  // what was found not to belong to it
  struct lacuna_writer writers[2];
};

extern __thread struct lacuna_thread lacuna_thread_block
    __attribute__((tls_model("initial-exec"), visibility("hidden")));

static inline struct lacuna_thread *lacuna_current_thread(void) { return &lacuna_thread_block; }

/// Bits of `lacuna_thread.depth` that count; the next one says that a function called by an operator
/// new or delete may have to speak for it.
enum { LACUNA_DEPTH_MASK = 0xff, LACUNA_OPERATOR_OPEN = 0x100, LACUNA_OPERATOR_DEPTH = 4 };

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

/// The clock that both halves use: ordered after earlier instructions as soon as there is a second
/// thread whose stamps could be compared with ours.
static inline uint64_t lacuna_clock(uint32_t kind);

/// The end of the data segment, without a system call.
void *lacuna_current_break(void);
/// The address at which the calling thread's own stack begins, growing down from there.
uint64_t lacuna_stack_top(int is_first_thread);
/// Asks the kernel for the end of the data segment once.
void lacuna_learn_break(void);

/// Finds the loaded object at `pc`, lock-free. Returns 0 if there is none.
struct lacuna_object {
  uint64_t start, end, bias, eh_frame_header;
  const char *path;
};
int lacuna_find_object(uint64_t pc, struct lacuna_object *object);

/// The address of the malloc that answers.
uint64_t lacuna_real_malloc_address(void);

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

extern char __libc_single_threaded;

static inline uint64_t lacuna_clock(uint32_t kind) {
  if (__builtin_expect(kind == 0, 1))
    return __libc_single_threaded ? lacuna_rdtsc() : lacuna_rdtscp();
  struct { long seconds, nanoseconds; } now;
  lacuna_syscall(228 /* clock_gettime */, 1 /* CLOCK_MONOTONIC */, (long)&now, 0, 0, 0, 0);
  return (uint64_t)now.seconds * 1000000000u + (uint64_t)now.nanoseconds;
}

// ---- Given by Swift -----------------------------------------------------------------------------

/// Joins the recorder that the environment names. Returns a byte that is 1 while this process
/// records and becomes 0 in every child of fork, or NULL when nothing is to be recorded.
const volatile uint8_t *lacuna_start(char **environment);

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

// What a system call did, in the fields of LACUNA_EXT_SYSTEM. `frame` is NULL where no stack is kept.
void lacuna_did_system(uint32_t entry, uint64_t address, uint64_t size, uint64_t detail,
                       const void *frame);
/// Follows lacuna_will_reallocate: memory was unmapped, or the call failed (bytes is 0).
void lacuna_did_unmap(uint64_t address, uint64_t bytes, uint64_t ticks_before);
/// Follows lacuna_will_reallocate: memory moved, or the call failed (address is 0).
void lacuna_did_remap(uint64_t old, uint64_t old_bytes, uint64_t address, uint64_t bytes,
                      uint64_t ticks_before, const void *frame);

void lacuna_did_mark(const char *name);
void lacuna_did_pool(uint32_t entry, const void *pool, const void *block, size_t size,
                     const void *frame);
