// Brings the surroundings about that the first argument names, and then allocates 20,000 blocks of
// 906 bytes, freed at once. Ends with 5.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static void limit(int resource, rlim_t value) {
  struct rlimit limit = {value, value};
  if (setrlimit(resource, &limit) != 0) _exit(1);
}

int main(int argc, char **argv) {
  const char *how = argc > 1 ? argv[1] : "";
  free(malloc(906)); // there is a heap from here on
  if (!strcmp(how, "dup2")) {
    int null = open("/dev/null", O_RDWR);
    for (int i = 3; i < 256; i++)
      if (i != null) dup2(null, i);
  } else if (!strcmp(how, "closefrom")) {
    closefrom(0);
  } else if (!strcmp(how, "chroot")) {
    if (chroot(argv[2]) != 0 || chdir("/") != 0) _exit(1);
  } else if (!strcmp(how, "user")) {
    if (setgid(65534) != 0 || setuid(65534) != 0) _exit(1);
  } else if (!strcmp(how, "limits")) {
    limit(RLIMIT_NOFILE, 0);
    limit(RLIMIT_FSIZE, 0);
    limit(RLIMIT_NPROC, 0);
    limit(RLIMIT_CORE, 0);
    // Less than is mapped already: what a block needs is there.
    limit(RLIMIT_AS, 1 << 20);
    limit(RLIMIT_STACK, 1 << 16);
  } else if (!strcmp(how, "environment")) {
    clearenv();
  } else {
    _exit(1);
  }
  for (int i = 0; i < 20000; i++) {
    void *volatile block = malloc(906);
    if (!block) _exit(2);
    free(block);
  }
  _exit(5);
}
