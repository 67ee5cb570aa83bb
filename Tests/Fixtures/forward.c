// Does nothing: the functions that the tracer exports, each passing on to the real one. What this
// costs is what any tracer by LD_PRELOAD costs at least.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stddef.h>

extern void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t), *__libc_memalign(size_t, size_t);
extern void __libc_free(void *);

static void *(*real_malloc)(size_t) = __libc_malloc;
static void *(*real_calloc)(size_t, size_t) = __libc_calloc;
static void *(*real_realloc)(void *, size_t) = __libc_realloc;
static void (*real_free)(void *) = __libc_free;
static void *(*real_memalign)(size_t, size_t) = __libc_memalign;
static void *(*real_aligned_alloc)(size_t, size_t) = __libc_memalign;
static void *(*real_reallocarray)(void *, size_t, size_t);
static int (*real_posix_memalign)(void **, size_t, size_t);
static void *(*real_valloc)(size_t);
static void *(*real_pvalloc)(size_t);
static size_t (*real_malloc_usable_size)(void *);

#define FIND(name) *(void **)&real_##name = dlsym(RTLD_NEXT, #name)

__attribute__((constructor)) static void start(void) {
  FIND(malloc);
  FIND(calloc);
  FIND(realloc);
  FIND(free);
  FIND(memalign);
  FIND(aligned_alloc);
  FIND(reallocarray);
  FIND(posix_memalign);
  FIND(valloc);
  FIND(pvalloc);
  FIND(malloc_usable_size);
}

void *malloc(size_t size) { return real_malloc(size); }
void *calloc(size_t count, size_t size) { return real_calloc(count, size); }
void *realloc(void *old, size_t size) { return real_realloc(old, size); }
void free(void *block) { real_free(block); }
void *memalign(size_t alignment, size_t size) { return real_memalign(alignment, size); }
void *aligned_alloc(size_t alignment, size_t size) { return real_aligned_alloc(alignment, size); }
void *reallocarray(void *old, size_t count, size_t size) {
  return real_reallocarray(old, count, size);
}
int posix_memalign(void **result, size_t alignment, size_t size) {
  return real_posix_memalign(result, alignment, size);
}
void *valloc(size_t size) { return real_valloc(size); }
void *pvalloc(size_t size) { return real_pvalloc(size); }
size_t malloc_usable_size(void *block) { return real_malloc_usable_size(block); }
