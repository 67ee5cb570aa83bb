// Ends where nobody may look at it. Usage: gate orphan | fork | quick
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv) {
  const char *how = argc > 1 ? argv[1] : "";
  printf("%d\n", getpid());
  fflush(stdout);
  if (!strcmp(how, "orphan")) {
    // The recorder is gone; the end must not wait for it.
    kill(getppid(), SIGKILL);
    usleep(20000);
    free(malloc(100));
  }
  if (!strcmp(how, "fork")) {
    if (fork() == 0) exit(0);
    wait(NULL);
  }
  if (!strcmp(how, "quick")) quick_exit(4);
  return 4;
}
