// Starts other programs in every way there is, and daemons. Prints what they find of the tracer in
// their environment: "none" each time. Allocates 1000 blocks of 904 bytes after each.
#define _GNU_SOURCE
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;
static char script[] = "echo \"${LD_PRELOAD-none}${LACUNA_SEGMENT-}\"";
static char *arguments[] = {"sh", "-c", script, NULL};

static void allocate(void) {
  for (int i = 0; i < 1000; i++) {
    void *volatile block = malloc(904);
    free(block);
  }
}

static void await(pid_t child) {
  int status;
  if (child < 0 || waitpid(child, &status, 0) != child || status != 0) abort();
  allocate();
}

int main(void) {
  setvbuf(stdout, NULL, _IONBF, 0);
  if (system(script) != 0) abort();
  allocate();
  FILE *pipe = popen(script, "r");
  int c;
  while ((c = getc(pipe)) != EOF) putchar(c);
  if (pclose(pipe) != 0) abort();
  allocate();
  pid_t child;
  if (posix_spawn(&child, "/bin/sh", NULL, NULL, arguments, environ) != 0) abort();
  await(child);
  child = fork();
  if (child == 0) {
    allocate();
    execv("/bin/sh", arguments);
    _exit(1);
  }
  await(child);
  // Its memory is the parent's: what it allocates is the parent's too.
  child = vfork();
  if (child == 0) {
    void *volatile block = malloc(905);
    free(block);
    execv("/bin/sh", arguments);
    _exit(1);
  }
  await(child);
  // A daemon, whose parents are gone: the program does not wait for it.
  child = fork();
  if (child == 0) {
    if (fork() == 0) {
      setsid();
      allocate();
      _exit(0);
    }
    _exit(0);
  }
  await(child);
  return 0;
}
