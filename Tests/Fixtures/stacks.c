// Allocates at many places and prints, for each block, its address and what glibc's backtrace()
// says about the callers of the function that allocated it.
#define _GNU_SOURCE
#include <alloca.h>
#include <execinfo.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NOINLINE __attribute__((noinline))

static pthread_mutex_t output = PTHREAD_MUTEX_INITIALIZER;

// Frame 0 of the walk is note, 1 the function that allocated; what follows are its callers.
NOINLINE static void note(void *block) {
  void *frames[400];
  int count = backtrace(frames, 400);
  char line[8192];
  int length = snprintf(line, sizeof line, "%p", block);
  for (int i = 2; i < count; i++)
    length += snprintf(line + length, sizeof line - length, " %p", frames[i]);
  line[length++] = '\n';
  pthread_mutex_lock(&output);
  (void)!write(1, line, length);
  pthread_mutex_unlock(&output);
}

NOINLINE static void leaf(size_t size) {
  void *block = malloc(size);
  note(block);
  __asm__ volatile("" : : "r"(block) : "memory");
}

NOINLINE static void deep(int depth, size_t size) {
  volatile char filler[depth % 7 * 24 + 8];
  filler[0] = 0;
  if (depth > 0) deep(depth - 1, size);
  else leaf(size);
  __asm__ volatile("" : : "r"(filler) : "memory");
}

// A frame whose size is known only at run time, and one that must be realigned.
NOINLINE static void dynamic(size_t bytes) {
  char *filler = alloca(bytes);
  memset(filler, 1, bytes);
  leaf(bytes);
  __asm__ volatile("" : : "r"(filler) : "memory");
}

NOINLINE static void realigned(size_t bytes) {
  __attribute__((aligned(64))) char vector[64 * 3];
  memset(vector, (int)bytes, sizeof vector);
  dynamic(bytes);
  __asm__ volatile("" : : "r"(vector) : "memory");
}

// Through frames of libc.
static int compare(const void *a, const void *b) {
  if (*(const int *)a == 3 && *(const int *)b == 4) leaf(77);
  return *(const int *)a - *(const int *)b;
}

static void handler(int signal) {
  (void)signal;
  leaf(99);
}

static void *thread(void *argument) {
  for (int i = 0; i < 20; i++) deep(i, 300 + i);
  realigned(200);
  return argument;
}

int main(void) {
  void *warm[2];
  backtrace(warm, 2);
  for (int i = 0; i < 100; i += 3) deep(i, 40 + i);
  for (size_t i = 16; i < 400; i += 50) realigned(i);
  int numbers[] = {7, 3, 4, 1, 9};
  qsort(numbers, 5, sizeof *numbers, compare);
  static char small[16384];
  sigaltstack(&(stack_t){.ss_sp = small, .ss_size = sizeof small}, NULL);
  struct sigaction action = {.sa_handler = handler, .sa_flags = SA_ONSTACK};
  sigaction(SIGUSR1, &action, NULL);
  raise(SIGUSR1);
  action.sa_flags = 0;
  sigaction(SIGUSR1, &action, NULL);
  raise(SIGUSR1);
  pthread_t other;
  pthread_create(&other, NULL, thread, NULL);
  pthread_join(other, NULL);
  deep(300, 24);
  return 0;
}
