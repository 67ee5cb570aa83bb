// An independent witness: counts what reaches the allocator behind the tracer, into a file.
// Loaded with LD_PRELOAD; in the program that COUNTER_PROGRAM names, the file that COUNTER_FILE
// names holds the five numbers below at any moment, also after SIGKILL.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct counts {
  uint64_t allocations, frees, reallocations, live_bytes, live_blocks;
};

extern void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t), *__libc_memalign(size_t, size_t);
extern void __libc_free(void *);

static struct counts *counts;
enum { SLOTS = 1 << 24 };
static struct { uintptr_t address; size_t size; } *table;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void forget(void) { counts = NULL; }

static void start(void) {
  static int tried;
  if (tried || !environ) return;
  tried = 1;
  const char *path = getenv("COUNTER_FILE"), *program = getenv("COUNTER_PROGRAM");
  static char self[4096];
  if (!path || !program || readlink("/proc/self/exe", self, sizeof self - 1) < 0) return;
  if (strcmp(self, program) != 0) return;
  int file = open(path, O_RDWR | O_CREAT, 0600);
  if (file < 0 || ftruncate(file, sizeof *counts) != 0) return;
  table = mmap(NULL, sizeof *table * SLOTS, PROT_READ | PROT_WRITE,
               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  counts = mmap(NULL, sizeof *counts, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  memset(counts, 0, sizeof *counts);
  close(file);
  pthread_atfork(NULL, NULL, forget);
}

// Open addressing that leaves a mark (address 1) where an entry was removed.
static size_t slot_of(uintptr_t address) { return (address >> 4) * 0x9e3779b97f4a7c15u >> 40; }

static void add(void *block, size_t size) {
  size_t i = slot_of((uintptr_t)block);
  while (table[i].address > 1) i = (i + 1) % SLOTS;
  table[i].address = (uintptr_t)block;
  table[i].size = size;
  counts->live_bytes += size;
  counts->live_blocks++;
}

static void drop(void *block) {
  size_t i = slot_of((uintptr_t)block);
  while (table[i].address != (uintptr_t)block) {
    if (table[i].address == 0) return;
    i = (i + 1) % SLOTS;
  }
  table[i].address = 1;
  counts->live_bytes -= table[i].size;
  counts->live_blocks--;
}

static void *allocated(void *block, size_t size) {
  if (!counts) start();
  if (!block || !counts) return block;
  pthread_mutex_lock(&lock);
  counts->allocations++;
  add(block, size);
  pthread_mutex_unlock(&lock);
  return block;
}

void *malloc(size_t size) { return allocated(__libc_malloc(size), size); }
void *calloc(size_t n, size_t size) { return allocated(__libc_calloc(n, size), n * size); }
void *memalign(size_t alignment, size_t size) {
  return allocated(__libc_memalign(alignment, size), size);
}
void *aligned_alloc(size_t alignment, size_t size) { return memalign(alignment, size); }
void *valloc(size_t size) { return memalign(4096, size); }
void *pvalloc(size_t size) { return memalign(4096, (size + 4095) & ~4095ul); }
int posix_memalign(void **result, size_t alignment, size_t size) {
  if (alignment % sizeof(void *) || alignment & (alignment - 1) || !alignment) return 22;
  void *block = memalign(alignment, size);
  if (!block) return 12;
  *result = block;
  return 0;
}

void free(void *block) {
  if (block && counts) {
    pthread_mutex_lock(&lock);
    counts->frees++;
    drop(block);
    pthread_mutex_unlock(&lock);
  }
  __libc_free(block);
}

void *realloc(void *old, size_t size) {
  if (!old) return malloc(size);
  if (!counts) return __libc_realloc(old, size);
  pthread_mutex_lock(&lock);
  void *block = __libc_realloc(old, size);
  if (block) {
    counts->reallocations++;
    drop(old);
    add(block, size);
  } else if (size == 0) {
    counts->frees++;
    drop(old);
  }
  pthread_mutex_unlock(&lock);
  return block;
}
