// What the dynamic loader does to the code of the process.
#define _GNU_SOURCE
#include "InterposerEntry.h"
#include "real.h"
#include <dlfcn.h>
#include <link.h>

// glibc's dlclose does not ask who called it (dlfcn/dlclose.c, 2.36), unlike dlopen. Destructors of
// the library run in the real call.
__attribute__((visibility("default"))) int dlclose(void *handle) {
  static int (*real)(void *);
  int (*function)(void *) = __atomic_load_n(&real, __ATOMIC_RELAXED);
  if (!function) {
    function = (int (*)(void *))dlsym(RTLD_NEXT, "dlclose");
    if (!function) return -1;
    __atomic_store_n(&real, function, __ATOMIC_RELAXED);
  }
  int status = function(handle);
  if (*lacuna_recording) lacuna_modules_changed();
  return status;
}

extern void *__tls_get_addr(void *); // the loader's own, unlike most of what begins with _dl_

int lacuna_find_loader(struct lacuna_object *object) {
  return lacuna_find_object((uint64_t)__tls_get_addr, object);
}

int lacuna_loader_is_adding(void) {
  struct lacuna_object loader;
  uint64_t own = (uint64_t)&_r_debug;
  // A program that refers to the structure has a copy of its own, which nobody updates.
  if (!lacuna_find_loader(&loader) || own < loader.start || own >= loader.end) return 1;
  const struct r_debug_extended *state = (const struct r_debug_extended *)&_r_debug;
  // One for each namespace of dlmopen.
  for (int count = 0; state && count < 64; count++) {
    if (state->base.r_state == RT_ADD) return 1;
    if (state->base.r_version < 2) return 0;
    state = state->r_next;
  }
  return 0;
}
