// An allocator unlike glibc's: nothing may be read in front of a block, where a page is protected.
#define _GNU_SOURCE
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

enum { PAGE = 4096, FRONT = 2 * PAGE };

static size_t *facts(void *block) { return (size_t *)((char *)block - FRONT); }

void *malloc(size_t size) {
  size_t room = size + PAGE - 1 & -PAGE;
  if (room < size || room == 0) room = PAGE;
  char *base = mmap(0, FRONT + room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (base == MAP_FAILED) return errno = ENOMEM, (void *)0;
  mprotect(base + PAGE, PAGE, PROT_NONE);
  *(size_t *)base = room;
  return base + FRONT;
}

void free(void *block) {
  if (block) munmap((char *)block - FRONT, FRONT + *facts(block));
}

size_t malloc_usable_size(void *block) { return block ? *facts(block) : 0; }

void *calloc(size_t count, size_t size) { return malloc(count * size); }

void *realloc(void *old, size_t size) {
  void *block = malloc(size);
  if (old && block) memcpy(block, old, *facts(old) < size ? *facts(old) : size);
  free(old);
  return block;
}

void *memalign(size_t alignment, size_t size) { return alignment <= PAGE ? malloc(size) : 0; }
void *aligned_alloc(size_t alignment, size_t size) { return memalign(alignment, size); }

int posix_memalign(void **result, size_t alignment, size_t size) {
  void *block = memalign(alignment, size);
  if (!block) return ENOMEM;
  *result = block;
  return 0;
}
