// More threads than the tracer has rings; some die at once wherever a signal finds them, others must
// go on. Usage: dying VICTIMS ROUNDS. Needs an allocator for signal handlers.
// Blocks have 650 bytes. Prints how many allocations were over and how many had begun.
#define _GNU_SOURCE
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { IDLE = 255, SURVIVORS = 4, VICTIMS = 256 };
static pthread_barrier_t settled;
static atomic_ulong begun, over;
static atomic_int survived;
static long rounds;
static sem_t done;

static void use(void) {
  atomic_fetch_add(&begun, 1);
  void *volatile block = malloc(650);
  atomic_fetch_add(&over, 1);
  free(block);
}

// Takes a ring of its own, and keeps it.
static void *idle(void *argument) {
  free(malloc(600));
  pthread_barrier_wait(&settled);
  for (;;) pause();
  return argument;
}

static void *die(void *argument) {
  for (;;) use();
  return argument;
}

static void *survive(void *argument) {
  for (long i = 0; i < rounds; i++) use();
  sem_post(&done);
  return argument;
}

static void handler(int signal) {
  (void)signal;
  syscall(SYS_exit, 0);
}

int main(int argc, char **argv) {
  int victims = argc > 1 ? atoi(argv[1]) : 50;
  rounds = argc > 2 ? atol(argv[2]) : 10000;
  if (victims > VICTIMS) return 2;
  alarm(120);
  signal(SIGUSR1, handler);
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGUSR1);
  sigaddset(&signals, SIGALRM);
  pthread_sigmask(SIG_UNBLOCK, &signals, NULL);
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 65536);
  pthread_barrier_init(&settled, NULL, IDLE + 1);
  sem_init(&done, 0, 0);
  pthread_t thread;
  for (int i = 0; i < IDLE; i++)
    if (pthread_create(&thread, &attributes, idle, NULL) != 0) return 2;
  pthread_barrier_wait(&settled);
  for (int i = 0; i < SURVIVORS; i++)
    if (pthread_create(&thread, &attributes, survive, NULL) != 0) return 2;
  for (int i = 0; i < victims; i++) {
    if (pthread_create(&thread, &attributes, die, NULL) != 0) return 2;
    usleep(500);
    pthread_kill(thread, SIGUSR1);
  }
  for (int i = 0; i < SURVIVORS; i++) sem_wait(&done);
  char line[64];
  int length = snprintf(line, sizeof line, "%lu %lu\n", over, begun);
  (void)!write(1, line, length);
  _exit(0);
}
