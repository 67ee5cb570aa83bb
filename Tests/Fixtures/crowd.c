// Threads without number. Usage: crowd TOGETHER ONE_BY_ONE. Prints "allocations frees".
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

int main(int argc, char **argv) {
  int crowd = argc > 1 ? atoi(argv[1]) : 700, queue = argc > 2 ? atoi(argv[2]) : 2000;
  static pthread_t threads[4096];
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 65536);
  pthread_barrier_init(&barrier, NULL, crowd);
  for (int i = 0; i < crowd; i++) pthread_create(&threads[i], &attributes, together, NULL);
  for (int i = 0; i < crowd; i++) pthread_join(threads[i], NULL);
  for (int i = 0; i < queue; i++) {
    pthread_create(&threads[0], &attributes, alone, NULL);
    pthread_join(threads[0], NULL);
  }
  char line[64];
  snprintf(line, sizeof line, "%d %d\n", crowd * 10 + queue, crowd * 10 + queue);
  fputs(line, stdout);
  return 0;
}
