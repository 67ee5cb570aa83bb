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
  uint32_t generation;                 // of the session that the writers belong to; 0: of none
  uint64_t stack_low, stack_top;       // of the thread's own stack, what is known to be mapped
  uint64_t foreign_low, foreign_high;  // what was found not to belong to it
  struct lacuna_writer writers[2];
};

extern __thread struct lacuna_thread lacuna_thread_block
    __attribute__((tls_model("initial-exec"), visibility("hidden")));

static inline struct lacuna_thread *lacuna_current_thread(void) { return &lacuna_thread_block; }

static inline struct lacuna_writer *lacuna_writer_of(struct lacuna_thread *thread, int index) {
  return &thread->writers[index];
}

static inline uint64_t *lacuna_place_of(struct lacuna_thread *thread, int index) {
  return &thread->places[index];
}

/// The frame address of the function into which this is inlined.
static inline __attribute__((always_inline)) uint64_t lacuna_frame_address(void) {
  return (uint64_t)__builtin_frame_address(0);
}

/// Whether an address lies in the code of this library.
int lacuna_is_own_code(uint64_t address);

/// The kernel's number of the calling thread, without a system call.
int32_t lacuna_thread_identifier(void);

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

/// Whether a thread that died held the lock. The kernel says so in the lock itself, also after
/// SIGKILL: no system call is needed to ask.
int lacuna_owner_died(const void *robust_mutex);

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

/// `frame` is the frame address of the exported function: its caller's rbp, return address and,
/// above them, stack.
void lacuna_did_allocate(void *block, size_t size, size_t usable, uint32_t entry,
                         uint32_t alignment_shift, const void *frame);
void lacuna_will_free(void *block);
/// Returns the stamp of the moment before the call.
uint64_t lacuna_will_reallocate(void);
void lacuna_did_reallocate(void *old, void *block, size_t size, size_t usable, uint32_t entry,
                           uint64_t ticks_before, const void *frame);
