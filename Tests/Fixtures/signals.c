// A timer whose handler walks the stack with backtrace() while the program is inside malloc.
// Prints how many of the walks reached main, and how many there were.
#define _GNU_SOURCE
#include <execinfo.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

static volatile unsigned long walks, complete;
static void *main_start, *main_end;

static void handler(int signal) {
  (void)signal;
  void *frames[64];
  int count = backtrace(frames, 64);
  walks++;
  for (int i = 0; i < count; i++)
    if (frames[i] >= main_start && frames[i] < main_end) {
      complete++;
      break;
    }
}

__attribute__((noinline)) static void *inner(size_t size) {
  void *p = malloc(size);
  __asm__ volatile("" : : "r"(p) : "memory");
  return p;
}

__attribute__((noinline)) int main(void) {
  main_start = (void *)main;
  main_end = (char *)main + 4096;
  void *warm[4];
  backtrace(warm, 4);
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  sigaction(SIGPROF, &action, NULL);
  struct itimerval timer = {{0, 1000}, {0, 1000}};
  setitimer(ITIMER_PROF, &timer, NULL);
  void *kept[64] = {0};
  for (unsigned long i = 0; walks < 300 && i < 2000000000; i++) {
    free(kept[i % 64]);
    kept[i % 64] = inner(16 + i % 3000);
  }
  setitimer(ITIMER_PROF, &(struct itimerval){{0, 0}, {0, 0}}, NULL);
  printf("%lu %lu\n", complete, walks);
  return 0;
}
