// Threads without number. Usage: crowd TOGETHER ONE_BY_ONE [STARTERS]: the last are as many threads
// that each start ONE_BY_ONE others. Prints "allocations frees".
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static pthread_barrier_t barrier;

static void *together(void *argument) {
  void *blocks[10];
  pthread_barrier_wait(&barrier);
  for (int i = 0; i < 10; i++) blocks[i] = malloc(100 + i);
  pthread_barrier_wait(&barrier);
  for (int i = 0; i < 10; i++) free(blocks[i]);
  return argument;
}

static void *alone(void *argument) {
  free(malloc(50));
  return argument;
}

static int queue;
static pthread_attr_t attributes;

static void *start_one_by_one(void *argument) {
  for (int i = 0; i < queue; i++) {
    pthread_t thread;
    if (pthread_create(&thread, &attributes, alone, NULL) != 0) abort();
    pthread_join(thread, NULL);
  }
  return argument;
}

int main(int argc, char **argv) {
  int crowd = argc > 1 ? atoi(argv[1]) : 700, starters = argc > 3 ? atoi(argv[3]) : 1;
  queue = argc > 2 ? atoi(argv[2]) : 2000;
  static pthread_t threads[4096];
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 65536);
  pthread_barrier_init(&barrier, NULL, crowd);
  for (int i = 0; i < crowd; i++) pthread_create(&threads[i], &attributes, together, NULL);
  for (int i = 0; i < crowd; i++) pthread_join(threads[i], NULL);
  for (int i = 1; i < starters; i++)
    pthread_create(&threads[i], &attributes, start_one_by_one, NULL);
  start_one_by_one(NULL);
  for (int i = 1; i < starters; i++) pthread_join(threads[i], NULL);
  char line[64];
  int blocks = crowd * 10 + queue * starters;
  snprintf(line, sizeof line, "%d %d\n", blocks, blocks);
  fputs(line, stdout);
  return 0;
}
