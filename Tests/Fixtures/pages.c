// Leaves memory behind in known states, and says which.
//
// Each line is "area ADDRESS STATES", one letter a page: W written, R only read, . untouched or
// given back; or "cache ADDRESS…", blocks in the cache of the second thread; or "place NAME ADDRESS".
// mincore() has to agree: it knows written and read pages from others.
#define _GNU_SOURCE
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { PAGE = 4096, AREAS = 8, PAGES = 64 };

static struct area {
  char *start;
  int pages;
  char states[PAGES + 1];
} areas[AREAS];
static int area_count;
static char text[1 << 16];
static int length;

static struct area *area(void *block, int bytes) {
  struct area *new = &areas[area_count++];
  uintptr_t start = ((uintptr_t)block + PAGE - 1) & -(uintptr_t)PAGE;
  uintptr_t end = ((uintptr_t)block + bytes) & -(uintptr_t)PAGE;
  new->start = (char *)start;
  new->pages = (int)((end - start) / PAGE);
  if (new->pages > PAGES) new->pages = PAGES;
  memset(new->states, '.', new->pages);
  return new;
}

static void put(struct area *area, int page) {
  area->start[page * PAGE + 100] = 1;
  area->states[page] = 'W';
}

static void look(struct area *area, int page) {
  if (*(volatile char *)&area->start[page * PAGE + 100]) abort();
  if (area->states[page] == '.') area->states[page] = 'R';
}

static void drop(struct area *area, int page) {
  if (madvise(area->start + page * PAGE, PAGE, MADV_DONTNEED)) abort();
  area->states[page] = '.';
}

static atomic_int ready;
static void *cached[8];

static void *work(void *unused) {
  // In the arena of this thread: the main one is taken.
  struct area *block = area(malloc(100000), 100000);
  for (int page = 0; page < block->pages; page += 3) put(block, page);
  for (int page = 0; page < block->pages; page += 6) drop(block, page);
  int number = 0;
  for (; number < 5; number++) cached[number] = malloc(40);
  for (; number < 8; number++) cached[number] = malloc(1000);
  void *kept = malloc(40);
  for (number = 0; number < 8; number++) free(cached[number]);
  length += sprintf(text + length, "place arena %lx\nplace stack %lx\nplace kept %lx\n",
                    (long)block->start, (long)&number, (long)kept);
  ready = 1;
  for (;;) pause();
  return unused;
}

static void write_down(void) {
  for (int i = 0; i < area_count; i++) {
    unsigned char there[PAGES];
    if (mincore(areas[i].start, areas[i].pages * PAGE, there)) abort();
    for (int page = 0; page < areas[i].pages; page++)
      if ((there[page] & 1) != (areas[i].states[page] != '.')) abort();
    length += sprintf(text + length, "area %lx %s\n", (long)areas[i].start, areas[i].states);
  }
  length += sprintf(text + length, "cache");
  for (int i = 0; i < 8; i++) length += sprintf(text + length, " %lx", (long)cached[i]);
  length += sprintf(text + length, "\n");
  if (write(1, text, length) != length) abort();
}

int main(void) {
  prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
  // Mapped on its own: its pages are fresh.
  struct area *mapped = area(malloc(PAGES * PAGE), PAGES * PAGE);
  for (int page = 0; page < mapped->pages; page += 2) put(mapped, page);
  for (int page = 10; page < 20; page++) drop(mapped, page);
  struct area *zeros = area(calloc(PAGES, PAGE), PAGES * PAGE);
  for (int page = 0; page < zeros->pages; page++) look(zeros, page);
  for (int page = 5; page < zeros->pages; page += 11) put(zeros, page);
  drop(zeros, 20);
  // In the data segment.
  struct area *heap = area(malloc(100000), 100000);
  for (int page = 0; page < heap->pages; page++) put(heap, page);
  drop(heap, 3);
  drop(heap, 4);
  look(heap, 4);
  // Not the allocator's at all.
  struct area *own = area(
      mmap(NULL, 9 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), 9 * PAGE);
  put(own, 0);
  put(own, 8);
  look(own, 4);
  pthread_t thread;
  if (pthread_create(&thread, NULL, work, NULL)) abort();
  while (!ready) usleep(1000);
  int here;
  length += sprintf(text + length, "place heap %lx\nplace main %lx\n", (long)heap->start, (long)&here);
  static char zeroed[64 * PAGE];
  zeroed[20 * PAGE] = 1;
  length += sprintf(text + length, "place zeroed %lx\n", (long)&zeroed[20 * PAGE]);
  write_down();
  return 0;
}
