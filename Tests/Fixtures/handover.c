// Threads that free and reallocate each other's blocks, handed over through atomics.
// Usage: handover THREADS ROUNDS. Prints "allocations frees reallocations" that it made itself.
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { SHELVES = 1024 };
static _Atomic(void *) shelf[SHELVES];
static atomic_ulong allocations, frees, reallocations;
static long rounds;

static void *work(void *argument) {
  uint64_t state = (uint64_t)(uintptr_t)argument * 0x9e3779b97f4a7c15u + 1;
  unsigned long a = 0, f = 0, r = 0;
  for (long i = 0; i < rounds; i++) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    void *mine;
    void *theirs = atomic_exchange(&shelf[state % SHELVES], NULL);
    if (theirs && state >> 60 == 0) {
      mine = realloc(theirs, 16 + (state >> 32) % 2000);
      r++;
      theirs = NULL;
    } else {
      mine = malloc(16 + (state >> 32) % 300);
      a++;
    }
    if (theirs) {
      free(theirs);
      f++;
    }
    void *previous = atomic_exchange(&shelf[(state >> 10) % SHELVES], mine);
    if (previous) {
      free(previous);
      f++;
    }
  }
  atomic_fetch_add(&allocations, a);
  atomic_fetch_add(&frees, f);
  atomic_fetch_add(&reallocations, r);
  return NULL;
}

int main(int argc, char **argv) {
  int count = argc > 1 ? atoi(argv[1]) : 4;
  rounds = argc > 2 ? atol(argv[2]) : 100000;
  static pthread_t threads[64];
  for (intptr_t i = 0; i < count; i++) pthread_create(&threads[i], NULL, work, (void *)(i + 1));
  for (int i = 0; i < count; i++) pthread_join(threads[i], NULL);
  char line[128];
  snprintf(line, sizeof line, "%lu %lu %lu\n", allocations, frees, reallocations);
  fputs(line, stdout);
  return 0;
}
