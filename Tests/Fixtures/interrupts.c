// Threads that allocate, and signals that interrupt them, whose handlers allocate too.
// Usage: interrupts MODE ROUNDS INTERRUPTS, both at least, where MODE is
//   apart     the handler allocates only when its thread does not: any allocator will do
//   anywhere  it allocates always, which takes an allocator for signal handlers
//   onstack   the same on an alternate stack, which lies in a frame of the interrupted thread
//   jump      it leaves by a jump half of the time
// Blocks of the threads have 500 to 599 bytes, those of the handlers 700.
// Prints how many allocations, reallocations and frees of theirs were over, how many had begun, and
// how many interrupts and jumps there were.
#define _GNU_SOURCE
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { THREADS = 3, KINDS = 3, ALTERNATE = 65536 };
enum { ALLOCATE, REALLOCATE, FREE };

static atomic_ulong begun[KINDS], over[KINDS], interrupts, jumps;
static atomic_int working;
static int apart, jumping, on_stack;
static long rounds;
static unsigned long wanted;
static __thread volatile sig_atomic_t busy, armed;
static __thread sigjmp_buf home;

#define COUNTED(kind, operation)              \
  do {                                        \
    atomic_fetch_add(&begun[kind], 1);        \
    operation;                                \
    atomic_fetch_add(&over[kind], 1);         \
  } while (0)

static void handler(int signal) {
  (void)signal;
  if (apart && busy) return;
  unsigned long number = atomic_fetch_add(&interrupts, 1);
  void *volatile block;
  COUNTED(ALLOCATE, block = malloc(700));
  COUNTED(FREE, free(block));
  if (jumping && armed && number % 2) siglongjmp(home, 1);
}

// The handlers may leave from here.
__attribute__((noinline)) static void exchange(void *volatile *slot, size_t size, int depth) {
  volatile char filler[64];
  filler[0] = 0;
  if (depth > 0) {
    exchange(slot, size, depth - 1);
    return;
  }
  void *old = *slot;
  if (old && size % 3 == 0) {
    *slot = NULL;
    COUNTED(REALLOCATE, old = realloc(old, size));
    *slot = old;
    return;
  }
  *slot = NULL;
  if (old) COUNTED(FREE, free(old));
  void *fresh;
  COUNTED(ALLOCATE, fresh = malloc(size));
  *slot = fresh;
}

static void compute(int amount) {
  for (volatile int i = 0; i < amount; i++) { }
}

static void *work(void *argument) {
  char stack[ALTERNATE];
  if (on_stack) sigaltstack(&(stack_t){.ss_sp = stack, .ss_size = sizeof stack}, NULL);
  static __thread void *volatile slots[16];
  static __thread volatile long round;
  if (sigsetjmp(home, 1)) atomic_fetch_add(&jumps, 1);
  armed = 1;
  while (round < rounds || interrupts < wanted) {
    long i = round++;
    busy = 1;
    exchange(&slots[i % 16], 500 + i * 7919 % 100, i % 5);
    busy = 0;
    compute(apart ? 200 : 20);
  }
  armed = 0;
  atomic_fetch_sub(&working, 1);
  // Signals may still come: the pesterer stops when nobody works any more.
  while (working > 0) usleep(100);
  if (on_stack) sigaltstack(&(stack_t){.ss_flags = SS_DISABLE}, NULL);
  return argument;
}

int main(int argc, char **argv) {
  const char *mode = argc > 1 ? argv[1] : "apart";
  rounds = argc > 2 ? atol(argv[2]) : 20000;
  wanted = argc > 3 ? atol(argv[3]) : 200;
  apart = !strcmp(mode, "apart");
  jumping = !strcmp(mode, "jump");
  on_stack = !strcmp(mode, "onstack");
  struct sigaction action = {.sa_handler = handler, .sa_flags = on_stack ? SA_ONSTACK : 0};
  sigaction(SIGUSR1, &action, NULL);
  // Whoever started this may have blocked it.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGUSR1);
  pthread_sigmask(SIG_UNBLOCK, &signals, NULL);
  pthread_t threads[THREADS];
  working = THREADS;
  for (long i = 0; i < THREADS; i++) pthread_create(&threads[i], NULL, work, NULL);
  while (working > 0) {
    for (int i = 0; i < THREADS; i++) pthread_kill(threads[i], SIGUSR1);
    usleep(20);
  }
  for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
  char line[256];
  snprintf(line, sizeof line, "%lu %lu %lu %lu %lu %lu %lu %lu\n", over[ALLOCATE],
           over[REALLOCATE], over[FREE], begun[ALLOCATE], begun[REALLOCATE], begun[FREE], interrupts,
           jumps);
  fputs(line, stdout);
  return 0;
}
