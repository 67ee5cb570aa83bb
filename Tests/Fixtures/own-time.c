// Says what time a program took itself, beside its tracer: loaded with LD_PRELOAD, it writes the
// seconds of processor time of the process, at its end, to the file OWN_TIME. The recorder, which
// has the same environment, does not.
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

__attribute__((destructor)) static void end(void) {
  const char *path = getenv("OWN_TIME");
  struct rusage used;
  if (!path || strcmp(program_invocation_short_name, "lacuna") == 0 || getrusage(RUSAGE_SELF, &used) != 0) return;
  FILE *file = fopen(path, "w");
  if (!file) return;
  fprintf(file, "%ld.%06ld\n", used.ru_utime.tv_sec + used.ru_stime.tv_sec +
              (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1000000,
          (used.ru_utime.tv_usec + used.ru_stime.tv_usec) % 1000000);
  fclose(file);
}
