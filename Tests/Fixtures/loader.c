// Loads and unloads a library, looks for symbols that do not exist, and allocates while the loader
// holds its lock, each in a thread of its own. Usage: loader LIBRARY ROUNDS.
// Prints how many blocks of 902 bytes were allocated and freed; a deadlock ends in SIGALRM.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <link.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char *library;
static int rounds;
static atomic_ulong blocks;

static void use(void) {
  void *volatile block = malloc(902);
  free(block);
  blocks++;
}

static int each(struct dl_phdr_info *info, size_t size, void *argument) {
  (void)info, (void)size, (void)argument;
  use();
  return 0;
}

static void *load(void *argument) {
  for (int i = 0; i < rounds; i++) {
    void *handle = dlopen(library, i % 2 ? RTLD_NOW : RTLD_LAZY);
    if (!handle) abort();
    void (*call)(void (*)(void)) = (void (*)(void (*)(void)))dlsym(handle, "call");
    call(use);
    dlclose(handle);
  }
  return argument;
}
static void *iterate(void *argument) {
  for (int i = 0; i < rounds; i++) dl_iterate_phdr(each, NULL);
  return argument;
}
static void *search(void *argument) {
  for (int i = 0; i < rounds; i++) {
    if (dlsym(RTLD_DEFAULT, "there_is_no_such_symbol") || !dlerror()) abort();
    if (dlopen("/there/is/no/such.so", RTLD_NOW) || !dlerror()) abort();
    use();
  }
  return argument;
}
static void *allocate(void *argument) {
  for (int i = 0; i < 20 * rounds; i++) use();
  return argument;
}

int main(int argc, char **argv) {
  if (argc < 3) return 2;
  library = argv[1];
  rounds = atoi(argv[2]);
  alarm(120);
  void *(*const roles[])(void *) = {load, load, iterate, search, allocate};
  enum { ROLES = sizeof roles / sizeof *roles };
  pthread_t threads[ROLES];
  for (int i = 0; i < ROLES; i++) pthread_create(&threads[i], NULL, roles[i], NULL);
  for (int i = 0; i < ROLES; i++) pthread_join(threads[i], NULL);
  char line[64];
  snprintf(line, sizeof line, "%lu\n", blocks);
  fputs(line, stdout);
  return 0;
}
