// Loads libraries in turn, each at the place of the one before, and lets them allocate. Prints, for
// each use, the size of the block, the number of the library and where it lay. Arguments: rounds, and
// the libraries. A second thread allocates all the time, so that its walks go on meanwhile; a third
// does nothing but call each library when the first one has loaded it, with blocks 50 bytes larger.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <link.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static volatile int over;

__attribute__((noinline)) static void deeper(int depth) {
  if (depth > 0) deeper(depth - 1);
  free(malloc(100));
  __asm__ volatile("" : : : "memory");
}

static void *busy(void *argument) {
  for (int i = 0; !over; i++) deeper(i % 20);
  return argument;
}

static pthread_barrier_t gate;
static void *(*shared_use)(size_t);
static size_t shared_size;

static void *guest(void *argument) {
  while (pthread_barrier_wait(&gate), !over) {
    shared_use(shared_size);
    pthread_barrier_wait(&gate);
  }
  return argument;
}

__attribute__((noinline)) static void round_with(int round, int count, char **paths) {
  for (int i = 0; i < count; i++) {
    void *library = dlopen(paths[i], RTLD_NOW | RTLD_LOCAL);
    if (!library) exit(3);
    struct link_map *map;
    dlinfo(library, RTLD_DI_LINKMAP, &map);
    void *(*use)(size_t) = (void *(*)(size_t))dlsym(library, "use");
    size_t size = 20000 + round * 100 + i;
    use(size);
    shared_use = use;
    shared_size = size + 50;
    pthread_barrier_wait(&gate);
    pthread_barrier_wait(&gate);
    printf("%zu %d %lx\n", size, i, (unsigned long)map->l_addr);
    dlclose(library);
  }
}

int main(int count, char **arguments) {
  pthread_t threads[2];
  setvbuf(stdout, NULL, _IOFBF, 1 << 16);
  printf("start\n");
  pthread_barrier_init(&gate, NULL, 2);
  pthread_create(&threads[0], NULL, busy, NULL);
  pthread_create(&threads[1], NULL, guest, NULL);
  for (int i = 0; i < atoi(arguments[1]); i++) round_with(i, count - 2, arguments + 2);
  over = 1;
  pthread_barrier_wait(&gate);
  pthread_join(threads[0], NULL);
  pthread_join(threads[1], NULL);
  return 0;
}
