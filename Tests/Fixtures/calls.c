// Every entry point once or more, with the corner cases. Prints what went wrong; nothing is good.
#define _GNU_SOURCE
#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition) \
  do { if (!(condition)) printf("line %d: %s\n", __LINE__, #condition); } while (0)

int main(void) {
  volatile size_t huge = SIZE_MAX / 2 + 1;
  void *p;
  CHECK((p = malloc(0)) != NULL);
  free(p);
  free(NULL);
  errno = 5;
  CHECK(malloc(huge) == NULL && errno == ENOMEM);
  CHECK(calloc(huge, 4) == NULL && errno == ENOMEM);
  CHECK((p = calloc(10, 10)) != NULL && ((char *)p)[99] == 0);
  CHECK((p = realloc(p, 1000)) != NULL);
  memset(p, 'x', 1000);
  errno = 0;
  CHECK(realloc(p, huge) == NULL && errno == ENOMEM && ((char *)p)[999] == 'x');
  CHECK((p = reallocarray(p, 20, 100)) != NULL && malloc_usable_size(p) >= 2000);
  errno = 0;
  CHECK(reallocarray(p, huge, 4) == NULL && errno == ENOMEM);
  errno = 77;
  CHECK(realloc(p, 0) == NULL && errno == 77);
  CHECK((p = realloc(NULL, 50)) != NULL);
  free(p);
  CHECK((p = reallocarray(NULL, 5, 50)) != NULL);
  free(p);
  void *kept = (void *)1;
  CHECK(posix_memalign(&kept, 3, 10) == EINVAL && kept == (void *)1);
  CHECK(posix_memalign(&kept, 1 << 16, 10) == 0 && (uintptr_t)kept % (1 << 16) == 0);
  CHECK((kept = realloc(kept, 100000)) != NULL);
  free(kept);
  kept = (void *)1;
  CHECK(posix_memalign(&kept, 64, huge) == ENOMEM && kept == (void *)1);
  errno = 0;
  CHECK(aligned_alloc(64, huge) == NULL && errno == ENOMEM);
  errno = 0;
  CHECK(memalign(64, huge) == NULL && errno == ENOMEM);
  errno = 0;
  CHECK(valloc(huge) == NULL && errno == ENOMEM);
  errno = 0;
  CHECK(pvalloc(huge) == NULL && errno == ENOMEM);
  CHECK((p = memalign(24, 100)) != NULL && (uintptr_t)p % 32 == 0);
  free(p);
  CHECK((p = calloc(0, 8)) != NULL);
  free(p);
  CHECK((p = realloc(NULL, 0)) != NULL);
  free(p);
  errno = 55;
  CHECK((p = realloc(malloc(10), 20000)) != NULL && errno == 55);
  free(p);
  CHECK((p = aligned_alloc(256, 512)) != NULL && (uintptr_t)p % 256 == 0);
  free(p);
  CHECK((p = memalign(4096, 1)) != NULL && (uintptr_t)p % 4096 == 0);
  free(p);
  CHECK((p = valloc(5)) != NULL && (uintptr_t)p % 4096 == 0);
  free(p);
  CHECK((p = pvalloc(5)) != NULL && malloc_usable_size(p) >= 4096);
  free(p);
  CHECK(malloc_usable_size(NULL) == 0);
  CHECK((p = malloc(5000000)) != NULL);
  CHECK((p = realloc(p, 9000000)) != NULL);
  errno = 42;
  free(p);
  CHECK(errno == 42);
  char *copy = strdup("a string that libc copies through the interposed malloc");
  free(copy);
  return 0;
}
