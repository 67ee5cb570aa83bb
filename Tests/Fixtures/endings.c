// Ends in the way that the first argument names, after a known number of allocations.
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

// Allocates on and on, other sizes than main does.
static void *allocate(void *unused) {
  for (;;) (void)!malloc(25 + (rand() & 15) * 16);
  return unused;
}

static void *outlive_main(void *main_thread) {
  pthread_join(*(pthread_t *)main_thread, NULL);
  void *volatile late = malloc(24);
  exit(late ? 6 : 1);
}

int main(int argc, char **argv) {
  const char *how = argc > 1 ? argv[1] : "return";
  static void *kept[100000];
  for (int i = 0; i < 100000; i++) kept[i] = malloc(24);
  if (!strcmp(how, "kill")) raise(SIGKILL);
  if (!strcmp(how, "segv")) raise(SIGSEGV);
  if (!strcmp(how, "abort")) abort();
  if (!strcmp(how, "_exit")) _exit(7);
  if (!strcmp(how, "quick_exit")) quick_exit(9);
  if (!strcmp(how, "pthread_exit")) {
    static pthread_t self, other;
    self = pthread_self();
    pthread_create(&other, NULL, outlive_main, &self);
    pthread_exit(NULL);
  }
  if (!strncmp(how, "running-", 8)) {
    for (int i = 0; i < 3; i++) {
      pthread_t other;
      pthread_create(&other, NULL, allocate, NULL);
    }
    usleep(3000);
    if (!strcmp(how, "running-exit")) exit(5);
    if (!strcmp(how, "running-exec")) execl("/bin/sh", "sh", "-c", "exit 4", NULL);
    abort();
  }
  if (!strcmp(how, "double-free")) {
    free(kept[0]);
    free(kept[0]);
  }
  if (!strcmp(how, "fork")) {
    if (fork() == 0) {
      for (int i = 0; i < 1000; i++) free(malloc(100));
      _exit(0);
    }
    wait(NULL);
  }
  if (!strcmp(how, "exec-child")) {
    if (fork() == 0) {
      execl("/bin/sh", "sh", "-c", "echo \"${LD_PRELOAD-none}\"; env | grep -c LACUNA_SEGMENT", NULL);
      _exit(1);
    }
    wait(NULL);
  }
  if (!strcmp(how, "exec")) execl(argv[0], argv[0], "return", NULL);
  return 3;
}
