// A program whose requests are known exactly, to be recorded by several tools.
//
// All its blocks have sizes of 13 modulo 97; nothing else in the process asks for such. It prints how
// many it allocates, frees and resizes, and the bytes of those that live at the end.

#include <mcheck.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { blocks = 40 };

static size_t size_of(int index) { return (size_t)index * 97 + 13; }

__attribute__((noinline)) static void *make(size_t size) {
  void *result = malloc(size);
  memset(result, 1, size);
  return result;
}

int main(void) {
  static void *held[blocks];
  size_t allocations = 0, frees = 0, reallocations = 0, live = 0;
  if (getenv("MALLOC_TRACE")) mtrace();
  for (int index = 0; index < blocks; index++, allocations++) held[index] = make(size_of(index));
  for (int index = 0; index < blocks; index += 2, frees++) free(held[index]);
  for (int index = 1; index < blocks; index += 4, reallocations++)
    held[index] = realloc(held[index], size_of(index + 50));
  void *zeroed = calloc(1, size_of(90));
  void *aligned = aligned_alloc(64, size_of(91));
  allocations += 2;
  // One at least that takes the place of another at once.
  free(zeroed);
  free(aligned);
  frees += 2;
  for (int index = 3; index < blocks; index += 4) live += size_of(index);
  for (int index = 1; index < blocks; index += 4, frees++) free(held[index]);
  printf("%zu %zu %zu %zu\n", allocations, frees, reallocations, live);
  fflush(stdout);
  return 0;
}
