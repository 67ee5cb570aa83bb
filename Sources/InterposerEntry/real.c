// Finds the real allocator on the first call, and starts recording.
//
// dlsym may allocate while it looks. Such calls, and whatever comes before the loader is ready,
// are answered by glibc's own functions, which need no lookup.
#define _GNU_SOURCE
#include "real.h"
#include "InterposerEntry.h"
#include "next.h"
#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <linux/futex.h>
#include <pthread.h>
#include <time.h>
#include <unistd.h>

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);
extern void *__libc_valloc(size_t);
extern void *__libc_pvalloc(size_t);
extern void __libc_free(void *);
extern void *__curbrk;
extern void *__sbrk(long);
extern void *__libc_stack_end;
extern char **__environ;

__thread struct lacuna_thread lacuna_thread_block
    __attribute__((tls_model("initial-exec"), visibility("hidden")));

struct lacuna_heaps lacuna_heaps;

static const unsigned char not_recording = 0;
const volatile unsigned char *lacuna_recording = &not_recording;
volatile unsigned char lacuna_follows = 0;

static void *first_malloc(size_t);
static void *first_calloc(size_t, size_t);
static void *first_realloc(void *, size_t);
static void first_free(void *);
static int first_posix_memalign(void **, size_t, size_t);
static void *first_aligned_alloc(size_t, size_t);
static void *first_memalign(size_t, size_t);
static void *first_valloc(size_t);
static void *first_pvalloc(size_t);
static size_t first_malloc_usable_size(void *);

struct lacuna_functions lacuna_real = {
    first_malloc, first_calloc, first_realloc, first_free, first_posix_memalign,
    first_aligned_alloc, first_memalign, first_valloc, first_pvalloc, first_malloc_usable_size,
};

static int finding;

#define FIND(name)                                              \
  do {                                                          \
    void *found = lacuna_lookup(#name);                         \
    if (found) *(void **)(&functions.name) = found;             \
  } while (0)

// glibc has all of these, so that looking them up need not allocate for an error.
static void find_system(void) {
  struct lacuna_system functions = lacuna_system;
#define FIND_SYSTEM(name)                                       \
  do {                                                          \
    void *found = lacuna_lookup(#name);                         \
    if (found) *(void **)(&functions.name) = found;             \
  } while (0)
  FIND_SYSTEM(mmap);
  FIND_SYSTEM(munmap);
  FIND_SYSTEM(mremap);
  FIND_SYSTEM(madvise);
  FIND_SYSTEM(brk);
  FIND_SYSTEM(sbrk);
  FIND_SYSTEM(mallopt);
  FIND_SYSTEM(malloc_trim);
  lacuna_system = functions;
}

static struct lacuna_functions found_functions(void) {
  struct lacuna_functions functions = lacuna_real;
  FIND(malloc);
  FIND(calloc);
  FIND(realloc);
  FIND(free);
  FIND(posix_memalign);
  FIND(aligned_alloc);
  FIND(memalign);
  FIND(valloc);
  FIND(pvalloc);
  FIND(malloc_usable_size);
  return functions;
}

void lacuna_find_functions(void) {
  lacuna_real = found_functions();
  find_system();
}

// Returns 0 while the functions are being found, that is, when dlsym itself allocates.
int lacuna_find_real(void) {
  if (lacuna_real.malloc != first_malloc) return 1;
  if (__atomic_exchange_n(&finding, 1, __ATOMIC_ACQ_REL)) return 0;
  int saved = errno;
  struct lacuna_functions functions = found_functions();
  lacuna_learn_break();
  find_system();
  // Before libc's own constructor there is no environment: not yet, rather than never.
  if (__environ) {
    lacuna_real = functions;
    lacuna_find_operators();
    // Some allocators set something up on the first call, with an operator new of their own.
    (void)lacuna_real.malloc_usable_size(NULL);
    const volatile unsigned char *recording = lacuna_start(__environ);
    if (recording) lacuna_recording = recording;
  }
  errno = saved;
  __atomic_store_n(&finding, 0, __ATOMIC_RELEASE);
  return lacuna_real.malloc != first_malloc;
}

__attribute__((constructor)) static void start(void) { lacuna_find_real(); }

__attribute__((destructor)) static void end(void) {
  if (*lacuna_recording) lacuna_sweep_arenas();
}

static void *first_malloc(size_t size) {
  return lacuna_find_real() ? lacuna_real.malloc(size) : __libc_malloc(size);
}
static void *first_calloc(size_t count, size_t size) {
  return lacuna_find_real() ? lacuna_real.calloc(count, size) : __libc_calloc(count, size);
}
static void *first_realloc(void *block, size_t size) {
  return lacuna_find_real() ? lacuna_real.realloc(block, size) : __libc_realloc(block, size);
}
static void first_free(void *block) {
  lacuna_find_real() ? lacuna_real.free(block) : __libc_free(block);
}
static int first_posix_memalign(void **result, size_t alignment, size_t size) {
  if (lacuna_find_real()) return lacuna_real.posix_memalign(result, alignment, size);
  if (alignment % sizeof(void *) || alignment == 0 || alignment & (alignment - 1)) return EINVAL;
  void *block = __libc_memalign(alignment, size);
  if (!block) return ENOMEM;
  *result = block;
  return 0;
}
static void *first_aligned_alloc(size_t alignment, size_t size) {
  return lacuna_find_real() ? lacuna_real.aligned_alloc(alignment, size) : __libc_memalign(alignment, size);
}
static void *first_memalign(size_t alignment, size_t size) {
  return lacuna_find_real() ? lacuna_real.memalign(alignment, size) : __libc_memalign(alignment, size);
}
static void *first_valloc(size_t size) {
  return lacuna_find_real() ? lacuna_real.valloc(size) : __libc_valloc(size);
}
static void *first_pvalloc(size_t size) {
  return lacuna_find_real() ? lacuna_real.pvalloc(size) : __libc_pvalloc(size);
}
static size_t first_malloc_usable_size(void *block) {
  return lacuna_find_real() ? lacuna_real.malloc_usable_size(block) : 0;
}

// ---- What only C can reach ----------------------------------------------------------------------

void *lacuna_current_break(void) { return __curbrk; }

// glibc puts the thread's control block, to which fs points, on top of its stack.
uint64_t lacuna_stack_top(int is_first_thread) {
  return is_first_thread ? (uint64_t)__libc_stack_end : (uint64_t)__builtin_thread_pointer();
}

void lacuna_learn_break(void) { (void)__sbrk(0); }

void lacuna_set_follows(int follows) { lacuna_follows = (unsigned char)follows; }

int lacuna_is_following(void) { return lacuna_follows; }

// vfork, posix_spawn and clone, whose children share the memory or bring their own, run no handler.
void lacuna_watch_forks(void) {
  static int done;
  if (!done) done = pthread_atfork(NULL, NULL, lacuna_forked) == 0;
}

uint64_t lacuna_real_malloc_address(void) { return (uint64_t)lacuna_real.malloc; }

int lacuna_find_object(uint64_t pc, struct lacuna_object *object) {
  struct dl_find_object found;
  if (_dl_find_object((void *)pc, &found) != 0) return 0;
  object->start = (uint64_t)found.dlfo_map_start;
  object->end = (uint64_t)found.dlfo_map_end;
  object->bias = found.dlfo_link_map ? found.dlfo_link_map->l_addr : 0;
  object->eh_frame_header = (uint64_t)found.dlfo_eh_frame;
  object->path = found.dlfo_link_map ? found.dlfo_link_map->l_name : "";
  return 1;
}

// The linker gives the bounds.
extern const char __executable_start[] __attribute__((visibility("hidden")));
extern const char etext[] __attribute__((visibility("hidden")));

int lacuna_is_own_code(uint64_t address) {
  return address - (uint64_t)__executable_start < (uint64_t)(etext - __executable_start);
}

// glibc makes the number of a thread's clock from what it knows, in the kernel's way: the bits above
// the lowest three are the complement of the thread's own number.
int32_t lacuna_thread_identifier(void) {
  clockid_t clock;
  if (pthread_getcpuclockid(pthread_self(), &clock) != 0) return 0;
  return ~(clock >> 3);
}

int lacuna_owner_died(const void *robust_mutex) {
  return (__atomic_load_n((const uint32_t *)robust_mutex, __ATOMIC_ACQUIRE) & FUTEX_OWNER_DIED) != 0;
}
