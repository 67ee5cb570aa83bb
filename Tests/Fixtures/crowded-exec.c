// More threads than there are rings allocate; then the program becomes another.
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

static void *allocate(void *unused) {
  for (;;) free(malloc(32));
}

int main(void) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 1 << 16);
  for (int i = 0; i < 600; i++) {
    pthread_t thread;
    if (pthread_create(&thread, &attributes, allocate, NULL) != 0) return 2;
  }
  usleep(200000);
  execl("/bin/sh", "sh", "-c", "exit 5", NULL);
  return 1;
}
