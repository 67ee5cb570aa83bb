// Every entry point once or more, with the corner cases. Prints what went wrong; nothing is good.
#define _GNU_SOURCE
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition) \
  do { if (!(condition)) printf("line %d: %s\n", __LINE__, #condition); } while (0)

// What succeeds leaves errno alone, as it does without a tracer: also the first request of a thread.
static void *keep_errno(void *unused) {
  void *p, *q = NULL;
#define SAME(statement)                                                    \
  do {                                                                     \
    errno = 4711;                                                          \
    statement;                                                             \
    if (errno != 4711) printf("line %d: errno %d\n", __LINE__, errno);     \
  } while (0)
  SAME(p = malloc(100));
  SAME(p = realloc(p, 3000));
  SAME(p = reallocarray(p, 10, 10));
  SAME(free(p));
  SAME(p = calloc(3, 30));
  SAME((void)malloc_usable_size(p));
  SAME(p = realloc(p, 0));
  SAME(posix_memalign(&q, 64, 100));
  SAME(free(q));
  SAME(q = aligned_alloc(64, 64));
  SAME(free(q));
  SAME(q = memalign(128, 60));
  SAME(free(q));
  SAME(q = valloc(60));
  SAME(free(q));
  SAME(q = pvalloc(60));
  SAME(free(q));
  SAME(q = malloc(3000000));
  SAME(q = realloc(q, 5000000));
  SAME(free(q));
  SAME(free(NULL));
  // So many that the ring goes round and has to wait.
  for (int i = 0; i < 200000; i++) SAME(free(malloc(70)));
  errno = 4711;
  CHECK(posix_memalign(&q, 64, SIZE_MAX / 2 + 1) == ENOMEM);
  CHECK(posix_memalign(&q, 24, 8) == EINVAL);
  return unused;
}

// A failing call leaves what it was given as it was.
static void kept_on_failure(size_t huge) {
  void *place = (void *)1;
  CHECK(posix_memalign(&place, 64, huge) == ENOMEM && place == (void *)1);
  char *p = malloc(100);
  memset(p, 7, 100);
  CHECK(realloc(p, huge) == NULL && errno == ENOMEM && p[0] == 7 && p[99] == 7);
  CHECK(reallocarray(p, huge, 2) == NULL && p[99] == 7);
  CHECK(memalign(64, huge) == NULL && aligned_alloc(64, huge) == NULL);
  CHECK(valloc(huge) == NULL && pvalloc(huge) == NULL);
  free(p);
}

int main(void) {
  volatile size_t huge = SIZE_MAX / 2 + 1;
  void *p;
  CHECK((p = malloc(0)) != NULL);
  free(p);
  free(NULL);
  errno = 5;
  CHECK(malloc(huge) == NULL && errno == ENOMEM);
  CHECK(calloc(huge, 4) == NULL && errno == ENOMEM);
  kept_on_failure(huge);
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
  keep_errno(NULL);
  pthread_t thread;
  if (pthread_create(&thread, NULL, keep_errno, NULL) != 0) return 1;
  pthread_join(thread, NULL);
  char *copy = strdup("a string that libc copies through the interposed malloc");
  free(copy);
  return 0;
}
