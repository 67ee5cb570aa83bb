// Calls that change the address space, one after the other. Prints each as the trace must have it.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define CHECK(condition) \
  do { if (!(condition)) printf("line %d: %s\n", __LINE__, #condition); } while (0)

static void mapped(const char *what, void *address, size_t bytes, int traits) {
  printf("%s %lu %lu %d\n", what, (unsigned long)address, bytes, traits);
}
static void said(const char *what, const void *address, size_t bytes) {
  printf("%s %lu %lu\n", what, (unsigned long)address, bytes);
}

int main(void) {
  static char buffer[1 << 16];
  setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
  enum { ANONYMOUS = 1, SHARED = 2, FIXED = 4, NORESERVE = 8, R = 32, W = 64, X = 128, MOVED = 256 };
  errno = 9;
  char *a = mmap(NULL, 100000, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(a != MAP_FAILED && errno == 9);
  mapped("mmap", a, 100000, ANONYMOUS | R | W);
  char *b = mmap64(NULL, 1 << 30, PROT_NONE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  mapped("mmap", b, 1 << 30, ANONYMOUS | SHARED | NORESERVE);
  char *c = mmap(b + 8192, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  CHECK(c == b + 8192);
  mapped("mmap", c, 4096, ANONYMOUS | FIXED | R);
  int file = open("/proc/self/exe", O_RDONLY);
  char *d = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, file, 4096);
  mapped("mmap", d, 4096, R | X);
  close(file);

  // Failures change nothing.
  CHECK(mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED && errno == EINVAL);
  CHECK(munmap(a + 1, 4096) == -1 && errno == EINVAL);
  CHECK(mremap(a + 1, 4096, 8192, 0) == MAP_FAILED && errno == EINVAL);
  CHECK(madvise(a + 1, 4096, MADV_DONTNEED) == -1 && errno == EINVAL);
  CHECK(brk((void *)-4096L) == -1 && errno == ENOMEM);
  CHECK(sbrk(INTPTR_MAX / 2) == (void *)-1 && errno == ENOMEM);

  errno = 9;
  CHECK(madvise(a, 8192, MADV_DONTNEED) == 0);
  said("discard", a, 8192);
  CHECK(madvise(a, 100000, MADV_FREE) == 0);
  said("discard-lazily", a, 100000);
  CHECK(madvise(a, 4096, MADV_WILLNEED) == 0);

  char *e = mremap(a, 100000, 1 << 22, MREMAP_MAYMOVE);
  CHECK(e != MAP_FAILED);
  said("munmap", a, 100000);
  mapped("mmap", e, 1 << 22, MOVED);
  char *f = mremap(e, 1 << 22, 8192, 0);
  CHECK(f == e);
  said("munmap", e, 1 << 22);
  mapped("mmap", f, 8192, MOVED);
  char *g = mremap(f, 8192, 8192, MREMAP_MAYMOVE | MREMAP_FIXED, b + 65536);
  CHECK(g == b + 65536);
  said("munmap", f, 8192);
  mapped("mmap", g, 8192, MOVED);
  char *h = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  mapped("mmap", h, 8192, ANONYMOUS | R);
  char *i = mremap(h, 8192, 8192, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL);
  if (i != MAP_FAILED) mapped("mmap", i, 8192, MOVED);
  errno = 9;
  CHECK(munmap(b, 1 << 30) == 0);
  said("munmap", b, 1 << 30);

  char *end = sbrk(0);
  CHECK(sbrk(65536) == end);
  said("sbrk", end + 65536, 0);
  CHECK(brk(end + 16384) == 0);
  said("brk", end + 16384, 0);
  CHECK(sbrk(-16384) == end + 16384);
  said("sbrk", end, 0);
  CHECK(errno == 9);
  return 0;
}
