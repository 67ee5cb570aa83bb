// Forks while its threads allocate; the children allocate too. Usage: forks CHILDREN.
// Blocks of the threads have 6000 bytes, those of the children 8000. Prints how many blocks of 6000
// bytes were allocated, and that many were freed.
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static atomic_ulong allocations;
static atomic_int stop, failures;
static int children;

static void *allocate(void *argument) {
  unsigned long count = 0;
  while (!stop) {
    void *volatile blocks[8];
    for (int i = 0; i < 8; i++) blocks[i] = malloc(6000);
    for (int i = 0; i < 8; i++) free(blocks[i]);
    count += 8;
  }
  atomic_fetch_add(&allocations, count);
  return argument;
}

static void in_child(void) {
  for (int i = 0; i < 200; i++) {
    void *volatile block = malloc(8000);
    block = realloc(block, 8000 + i);
    free(block);
  }
  _exit(0);
}

static void *breed(void *argument) {
  for (int i = 0; i < children; i++) {
    pid_t child = fork();
    if (child == 0) in_child();
    int status = 1;
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0) failures++;
  }
  return argument;
}

int main(int argc, char **argv) {
  children = argc > 1 ? atoi(argv[1]) / 2 : 100;
  pthread_t workers[3], breeder;
  for (int i = 0; i < 3; i++) pthread_create(&workers[i], NULL, allocate, NULL);
  pthread_create(&breeder, NULL, breed, NULL);
  breed(NULL);
  pthread_join(breeder, NULL);
  stop = 1;
  for (int i = 0; i < 3; i++) pthread_join(workers[i], NULL);
  char line[64];
  snprintf(line, sizeof line, "%lu\n", allocations);
  fputs(line, stdout);
  return failures ? 1 : 0;
}
