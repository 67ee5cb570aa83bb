// Allocates before anybody is ready: in its constructor, which runs before the tracer's, and inside
// of dlsym, with which the tracer looks for the real functions. Loaded with LD_PRELOAD behind it.
// Keeps what it got until the program ends, and checks that nobody else has written there.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BLOCKS = 128 };
static struct { unsigned char *memory, mark; size_t size; } kept[BLOCKS];
static int count;

static void keep(void *memory, size_t size) {
  if (!memory || count == BLOCKS) abort();
  memset(memory, count + 1, size);
  kept[count].memory = memory;
  kept[count].size = size;
  kept[count].mark = count + 1;
  count++;
}

static void allocate(void) {
  keep(malloc(100), 100);
  unsigned char *zeroed = calloc(50, 50);
  for (int i = 0; i < 2500; i++)
    if (zeroed[i]) abort();
  keep(zeroed, 2500);
  keep(realloc(malloc(10), 5000), 5000);
  void *aligned = NULL;
  if (posix_memalign(&aligned, 256, 300) != 0 || (size_t)aligned % 256) abort();
  keep(aligned, 300);
  keep(aligned_alloc(64, 64), 64);
  keep(realloc(NULL, 200000), 200000);
  free(malloc(30));
  free(NULL);
}

void *dlsym(void *handle, const char *name) {
  static void *(*real)(void *, const char *);
  if (!real) *(void **)&real = dlvsym(RTLD_NEXT, "dlsym", "GLIBC_2.34");
  allocate();
  // The caller's place in the order of libraries is not ours.
  return handle == RTLD_NEXT ? real(RTLD_NEXT, name) : real(handle, name);
}

__attribute__((constructor)) static void start(void) { allocate(); }

__attribute__((destructor)) static void end(void) {
  if (count == 0) _exit(99);
  for (int i = 0; i < count; i++) {
    for (size_t j = 0; j < kept[i].size; j++)
      if (kept[i].memory[j] != kept[i].mark) _exit(98);
    free(kept[i].memory);
  }
}
