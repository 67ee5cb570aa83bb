// What a recorder calls that has loaded this library into a running process.
//
// No call reaches the exported functions yet: the recorder redirects the imports of all modules to
// them afterwards. It also says which functions stand behind ours. A library that is loaded so late
// comes last in the loader's order and would find glibc's, even where the program has an allocator
// of its own; and in programs with a fixed address, dlsym would name an entry of the program's own
// table of imports, which leads back to us.
#define _GNU_SOURCE
#include "InterposerEntry.h"
#include "real.h"
#include <dlfcn.h>
#include <errno.h>
#include <string.h>

static const struct lacuna_named_function *given;
static uint64_t given_count;

void *lacuna_lookup(const char *name) {
  if (given_count == 0) return dlsym(RTLD_NEXT, name);
  for (uint64_t i = 0; i < given_count; i++)
    if (strcmp((const char *)given[i].name, name) == 0) return (void *)given[i].address;
  return NULL;
}

/// Begins to record into the segment of an attached recorder. Returns 0 or an error number.
__attribute__((visibility("default"))) int lacuna_attach(struct lacuna_attachment *request) {
  if (request->version != LACUNA_ABI_VERSION) return EPROTO;
  if (request->count > 0) {
    given = (const struct lacuna_named_function *)request->functions;
    given_count = request->count;
    lacuna_find_functions();
    given_count = 0;
  }
  lacuna_learn_break();
  const volatile unsigned char *recording = lacuna_join(request);
  if (!recording) return *lacuna_recording ? EBUSY : ENOMEM;
  __atomic_store_n(&lacuna_recording, recording, __ATOMIC_RELEASE);
  request->recording = (uint64_t)recording;
  return 0;
}
