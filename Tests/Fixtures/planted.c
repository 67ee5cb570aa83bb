// One small block is kept of each request, among temporaries of all sizes, which are freed after so
// many requests; several threads, so that there are several arenas.
// Usage: planted THREADS REQUESTS REQUESTS-AT-A-TIME
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { TEMPORARIES = 40 };
static int requests, window;
static pthread_barrier_t done;

static void *serve(void *number) {
  uint64_t state = (uint64_t)(uintptr_t)number * 0x9e3779b97f4a7c15u + 1;
  void **kept = malloc(sizeof(void *) * requests);
  void **temporary = malloc(sizeof(void *) * window * TEMPORARIES);
  for (int i = 0; i < requests; i++) {
    for (int j = 0; j < TEMPORARIES; j++) {
      state ^= state << 13, state ^= state >> 7, state ^= state << 17;
      size_t size = state >> 60 ? 8 + (state >> 20) % 1000 : (state >> 20) % 9000;
      void *block = temporary[i % window * TEMPORARIES + j] = malloc(size);
      memset(block, 1, size);
      if (j == i % TEMPORARIES) kept[i] = malloc(60);
    }
    if ((i + 1) % window == 0)
      for (int j = 0; j < window * TEMPORARIES; j++) free(temporary[j]);
  }
  // Every eighth block goes, and leaves a hole.
  for (int i = 0; i < requests; i += 8) free(kept[i]);
  pthread_barrier_wait(&done);
  return NULL;
}

int main(int argc, char **argv) {
  int threads = argc > 1 ? atoi(argv[1]) : 3;
  requests = argc > 2 ? atoi(argv[2]) : 2000;
  window = argc > 3 ? atoi(argv[3]) : 100;
  pthread_t thread[16];
  pthread_barrier_init(&done, NULL, threads);
  for (intptr_t i = 1; i < threads; i++) pthread_create(&thread[i], NULL, serve, (void *)i);
  serve(NULL);
  for (int i = 1; i < threads; i++) pthread_join(thread[i], NULL);
  return 0;
}
