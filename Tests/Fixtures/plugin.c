// A library that is loaded, used and unloaded: NAME gives its functions their names, FILLER their
// stack frames another size.
#include <stdlib.h>

#define JOIN(a, b) a##_##b
#define FUNCTION(name, part) JOIN(name, part)
#define NOINLINE __attribute__((noinline))

NOINLINE static void *FUNCTION(NAME, inner)(size_t size) {
  volatile char filler[FILLER];
  filler[0] = 1;
  void *block = malloc(size);
  __asm__ volatile("" : : "r"(block), "r"(filler) : "memory");
  return block;
}

NOINLINE static void *FUNCTION(NAME, middle)(size_t size) {
  volatile char filler[FILLER * 2];
  filler[0] = 1;
  void *block = FUNCTION(NAME, inner)(size);
  __asm__ volatile("" : : "r"(block), "r"(filler) : "memory");
  return block;
}

void *use(size_t size) {
  void *block = FUNCTION(NAME, middle)(size);
  __asm__ volatile("" : : "r"(block) : "memory");
  return block;
}
