// Threads that grow, empty and abandon their arenas. At marked moments, when nobody moves, one
// thread allocates a block of 70001 + k bytes and prints "k base bytes base bytes ...": the heaps of
// thread arenas with their bytes, as glibc has them in memory (heap_info, arena.c) and after checking
// that the kernel's map of the process agrees. The last line is that of the end.
#define _GNU_SOURCE
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { HEAP = 64 << 20, BLOCKS = 4000 };
struct heap_info { void *arena, *previous; size_t size, writable, page; };

static pthread_barrier_t gate;
static int moments;
static char line[1 << 16];
static size_t length;

static void write_heaps(void) {
  static char maps[1 << 18];
  // Without streams, which would allocate.
  int file = open("/proc/self/maps", O_RDONLY);
  ssize_t bytes = 0, more;
  while ((more = read(file, maps + bytes, sizeof maps - 1 - bytes)) > 0) bytes += more;
  close(file);
  maps[bytes] = 0;
  for (char *row = strtok(maps, "\n"); row; row = strtok(NULL, "\n")) {
    uintptr_t start, end;
    char access[5], rest[64] = "";
    if (sscanf(row, "%lx-%lx %4s %*s %*s %*s %63s", &start, &end, access, rest) < 3) continue;
    if (strcmp(access, "rw-p") || rest[0]) continue;
    for (uintptr_t base = (start + HEAP - 1) & -(uintptr_t)HEAP; base < end; base += HEAP) {
      struct heap_info *heap = (struct heap_info *)base;
      uintptr_t arena = (uintptr_t)heap->arena;
      if (heap->page != 4096 || arena % HEAP != 48) continue;
      // Above what was made writable the kernel has nothing; with all of it, the next heap.
      if (heap->writable < HEAP && base + heap->writable != end) abort();
      length += sprintf(line + length, " %lu %zu", base, heap->size);
    }
  }
}

static void moment(void) {
  void *mark = malloc(70001 + moments);
  length = sprintf(line, "%d", moments++);
  write_heaps();
  line[length++] = '\n';
  (void)!write(1, line, length);
  free(mark);
}

// Everybody waits while the first thread looks.
static void pause_all(int number) {
  pthread_barrier_wait(&gate);
  if (number == 0) moment();
  pthread_barrier_wait(&gate);
}

static void *exchange[4096];

static void *worker(void *argument) {
  int number = (int)(intptr_t)argument;
  unsigned state = 77 + number;
  static void *all[8][BLOCKS];
  void **mine = all[number];
  // Up to some 120 MB, so that a second heap comes into being, and a third.
  for (int round = 0; round < 4; round++) {
    size_t scale = (size_t[]){100, 3000, 60000, 500}[round];
    for (int i = 0; i < BLOCKS; i++) {
      state = state * 1103515245 + 12345;
      free(mine[i]);
      mine[i] = malloc(1 + state / 64 % scale);
    }
    pause_all(number);
    // Last first, so that heaps become empty.
    for (int i = BLOCKS - 1; i >= round * 300; i--) {
      free(mine[i]);
      mine[i] = NULL;
    }
    pause_all(number);
  }
  // Blocks that wander.
  for (int i = 0; i < 60000; i++) {
    state = state * 1103515245 + 12345;
    void **place = &exchange[state / 64 % 4096];
    size_t size = i % 50 ? 16 + state / 4096 % 2000 : 100000;
    free(__atomic_exchange_n(place, malloc(size), __ATOMIC_ACQ_REL));
    if (i % 7 == 0) {
      void *block = __atomic_exchange_n(&exchange[state / 128 % 4096], NULL, __ATOMIC_ACQ_REL);
      block = realloc(block, 50 + state / 64 % 30000);
      free(__atomic_exchange_n(place, block, __ATOMIC_ACQ_REL));
    }
  }
  pause_all(number);
  for (int i = number; i < 4096; i += 3) {
    free(__atomic_exchange_n(&exchange[i], NULL, __ATOMIC_ACQ_REL));
  }
  pause_all(number);
  return NULL;
}

int main(int count, char **arguments) {
  int workers = count > 1 ? atoi(arguments[1]) : 3;
  mallopt(M_MMAP_THRESHOLD, 32 << 20);
  mallopt(M_TRIM_THRESHOLD, 128 << 10);
  pthread_barrier_init(&gate, NULL, workers);
  pthread_t threads[8];
  for (int i = 0; i < workers; i++)
    pthread_create(&threads[i], NULL, worker, (void *)(intptr_t)i);
  for (int i = 0; i < workers; i++) pthread_join(threads[i], NULL);
  // What these leave to the caches of their threads nobody sees but who looks at the end.
  length = sprintf(line, "end");
  write_heaps();
  line[length++] = '\n';
  (void)!write(1, line, length);
  return 0;
}
