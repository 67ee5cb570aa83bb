// Asks for memory through a wrapper that many programs have.
#include <stdlib.h>

__attribute__((noinline)) void *xmalloc(size_t size) {
  void *block = malloc(size);
  if (!block) abort();
  return block;
}

__attribute__((noinline)) void *first(void) {
  void *block = xmalloc(1000);
  __asm__ volatile("" : : "r"(block) : "memory");
  return block;
}

__attribute__((noinline)) void *second(void) {
  void *block = xmalloc(2000);
  __asm__ volatile("" : : "r"(block) : "memory");
  return block;
}

int main(void) {
  first();
  second();
  return 0;
}
