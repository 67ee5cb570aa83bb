// A witness of addresses: writes down each block that malloc and its kin hand out, in order.
// Loaded with LD_PRELOAD instead of the tracer; in the program that PLACES_PROGRAM names it writes
// 64-bit addresses to the file PLACES_FILE, of which the first number is their count.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

extern void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t), *__libc_memalign(size_t, size_t);

enum { CAPACITY = 1 << 24 };
static uint64_t *places;
static int tried;

static void start(void) {
  if (tried || !environ) return;
  tried = 1;
  static char self[4096];
  const char *program = getenv("PLACES_PROGRAM"), *path = getenv("PLACES_FILE");
  if (!program || !path || readlink("/proc/self/exe", self, sizeof self - 1) < 0) return;
  if (strcmp(self, program) != 0) return;
  int file = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0 || ftruncate(file, 8l * CAPACITY) != 0) return;
  places = mmap(NULL, 8l * CAPACITY, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  close(file);
}

static void *note(void *block) {
  if (!places) start();
  if (places && block && places[0] + 1 < CAPACITY) places[++places[0]] = (uint64_t)block;
  return block;
}

void *malloc(size_t size) { return note(__libc_malloc(size)); }
void *calloc(size_t count, size_t size) { return note(__libc_calloc(count, size)); }
void *realloc(void *old, size_t size) { return note(__libc_realloc(old, size)); }
void *memalign(size_t alignment, size_t size) { return note(__libc_memalign(alignment, size)); }
void *aligned_alloc(size_t alignment, size_t size) { return memalign(alignment, size); }
int posix_memalign(void **result, size_t alignment, size_t size) {
  if (alignment % sizeof(void *) || alignment & (alignment - 1) || !alignment) return 22;
  void *block = memalign(alignment, size);
  if (!block) return 12;
  *result = block;
  return 0;
}
