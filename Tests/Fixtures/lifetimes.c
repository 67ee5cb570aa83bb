// Threads whose names and lives are known.
#define _GNU_SOURCE
#include <pthread.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

static void ask(void) { free(malloc(3000)); }

// Named before its first request, which comes late.
static void *early(void *argument) {
  pthread_setname_np(pthread_self(), "early");
  usleep(400000);
  ask();
  usleep(300000);
  return argument;
}

// Named long after its first request.
static void *late(void *argument) {
  ask();
  usleep(100000);
  prctl(PR_SET_NAME, "late");
  usleep(400000);
  ask();
  return argument;
}

// Gone soon after its only request.
static void *brief(void *argument) {
  prctl(PR_SET_NAME, "brief");
  ask();
  usleep(200000);
  return argument;
}

static void *lasting(void *argument) {
  ask();
  for (;;) pause();
  return argument;
}

int main(void) {
  pthread_t threads[4];
  pthread_create(&threads[0], NULL, brief, NULL);
  pthread_join(threads[0], NULL);
  pthread_create(&threads[1], NULL, early, NULL);
  pthread_create(&threads[2], NULL, late, NULL);
  pthread_create(&threads[3], NULL, lasting, NULL);
  pthread_setname_np(threads[3], "lasting");
  pthread_join(threads[1], NULL);
  pthread_join(threads[2], NULL);
  usleep(100000);
  ask();
  return 0;
}
