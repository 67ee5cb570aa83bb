// Threads that allocate and free while they end: in destructors of thread-local data, which run
// several times and in any order beside the tracer's own. Usage: last-words THREADS.
// All blocks have 4001 bytes. Prints how many there were; all were freed.
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

extern int __cxa_thread_atexit_impl(void (*)(void *), void *, void *);
extern void *__dso_handle;

static pthread_key_t first, second;
static atomic_ulong blocks;

static void *block(void) {
  blocks++;
  return malloc(4001);
}

// Sets its key anew until the system gives up, and keeps a block over each round.
static void again(pthread_key_t key, void *old) {
  free(old);
  static __thread int rounds;
  if (rounds++ < 6) pthread_setspecific(key, block());
}
static void end_first(void *old) { again(first, old); }
static void end_second(void *old) { again(second, old); }

static void end_object(void *old) {
  free(old);
  void *volatile last = block();
  free(last);
}

static void *work(void *argument) {
  pthread_setspecific(first, block());
  pthread_setspecific(second, block());
  __cxa_thread_atexit_impl(end_object, block(), &__dso_handle);
  return argument;
}

int main(int argc, char **argv) {
  int count = argc > 1 ? atoi(argv[1]) : 100;
  pthread_key_create(&first, end_first);
  pthread_key_create(&second, end_second);
  for (int i = 0; i < count; i++) {
    pthread_t threads[4];
    for (int j = 0; j < 4; j++) pthread_create(&threads[j], NULL, work, NULL);
    for (int j = 0; j < 4; j++) pthread_join(threads[j], NULL);
  }
  char line[64];
  snprintf(line, sizeof line, "%lu\n", blocks);
  fputs(line, stdout);
  return 0;
}
