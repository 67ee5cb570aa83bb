// A library that is loaded and unloaded; it allocates when either happens.
#include <stdlib.h>

static void *kept;

__attribute__((constructor)) static void loaded(void) { kept = malloc(903); }
__attribute__((destructor)) static void unloaded(void) { free(kept); }

void call(void (*function)(void)) {
  function();
  __asm__ volatile("");
}
