// Code without unwind information, made at run time, calls back a function that allocates; first in
// memory of its own, then where a library lay before. Prints the address of the code each time. The
// argument is a library with a function "use". Blocks: 30001 through the library, 30002 and 30003
// through the code made here.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static size_t size;

__attribute__((noinline)) static void callback(void) {
  void *block = malloc(size);
  __asm__ volatile("" : : "r"(block) : "memory");
}

// push %rbp; mov %rsp,%rbp; call *%rdi; pop %rbp; ret
static const unsigned char code[] = {0x55, 0x48, 0x89, 0xe5, 0xff, 0xd7, 0x5d, 0xc3};

__attribute__((noinline)) static void run(char *place) {
  char *page = (char *)((uintptr_t)place & ~4095ul);
  if (mmap(page, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
           MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != page)
    exit(2);
  memcpy(place, code, sizeof code);
  printf("%lu\n", (unsigned long)place);
  ((void (*)(void (*)(void)))place)(callback);
  __asm__ volatile("" : : : "memory");
}

int main(int count, char **arguments) {
  (void)count;
  void *library = dlopen(arguments[1], RTLD_NOW);
  if (!library) return 3;
  void *(*use)(size_t) = (void *(*)(size_t))dlsym(library, "use");
  use(30001);
  size = 30002;
  run(mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  dlclose(library);
  size = 30003;
  run((char *)use);
  return 0;
}
