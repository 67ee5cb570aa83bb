// Threads that count in a file what they did, until the first thread kills the process.
// Usage: killed FILE THREADS MICROSECONDS. The file has four numbers for each thread, counted before
// and after each operation: allocations begun, allocations over, frees begun, frees over. Thread i
// asks for 1000 + i bytes.
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

struct counts {
  _Atomic uint64_t allocations_begun, allocations, frees_begun, frees;
};
static struct counts *all;

static void add(_Atomic uint64_t *count) {
  atomic_store_explicit(count, *count + 1, memory_order_release);
}

static void *work(void *argument) {
  intptr_t number = (intptr_t)argument;
  struct counts *mine = &all[number];
  void *blocks[64] = {0};
  for (unsigned i = 0;; i++) {
    void **slot = &blocks[i * 7919 % 64];
    if (*slot) {
      add(&mine->frees_begun);
      free(*slot);
      add(&mine->frees);
    }
    add(&mine->allocations_begun);
    *slot = malloc(1000 + number);
    add(&mine->allocations);
  }
}

int main(int argc, char **argv) {
  if (argc < 4) return 2;
  int count = atoi(argv[2]), microseconds = atoi(argv[3]);
  int file = open(argv[1], O_RDWR | O_CREAT | O_TRUNC, 0600);
  if (ftruncate(file, sizeof *all * count) != 0) return 2;
  all = mmap(NULL, sizeof *all * count, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (all == MAP_FAILED) return 2;
  for (intptr_t i = 0; i < count; i++) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, work, (void *)i) != 0) return 2;
  }
  // A thousand operations at least, that there is something to lose.
  while (all[count - 1].allocations < 1000) usleep(100);
  nanosleep(&(struct timespec){0, microseconds * 1000l}, NULL);
  kill(getpid(), SIGKILL);
  for (;;) pause();
}
