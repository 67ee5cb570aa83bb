// An allocator in front of glibc's that refuses requests of 7000 to 7999 bytes, as often as the
// variable `failures` of the program says.
#define _GNU_SOURCE
#include <errno.h>
#include <stddef.h>

extern int failures __attribute__((weak));
extern void *__libc_malloc(size_t), *__libc_memalign(size_t, size_t);

static int refuses(size_t size) {
  if (size < 7000 || size > 7999 || !&failures || failures <= 0) return 0;
  failures--;
  errno = ENOMEM;
  return 1;
}

void *malloc(size_t size) { return refuses(size) ? NULL : __libc_malloc(size); }
void *aligned_alloc(size_t alignment, size_t size) {
  return refuses(size) ? NULL : __libc_memalign(alignment, size);
}
