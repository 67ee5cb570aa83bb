// A library that is preloaded behind Lacuna's: when the program named by TRIM_PROGRAM ends, it calls
// malloc_trim, and writes to TRIM_FILE how much anonymous memory there was before and after.
//
// Its destructor runs right after that of the library before it, at which the recorder looks at the
// heap. It allocates nothing, and touches no fresh page between its two looks.
#define _GNU_SOURCE
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char text[8192];

static long resident(void) {
  int file = open("/proc/self/smaps_rollup", O_RDONLY);
  long count = file < 0 ? -1 : read(file, text, sizeof text - 1);
  if (count <= 0) return -1;
  text[count] = 0;
  close(file);
  char *line = strstr(text, "\nAnonymous:");
  return line ? atol(line + 11) : -1;
}

__attribute__((destructor)) static void end(void) {
  char *program = getenv("TRIM_PROGRAM"), *path = getenv("TRIM_FILE"), own[4096] = {0};
  if (!program || !path || readlink("/proc/self/exe", own, sizeof own - 1) < 0) return;
  if (strcmp(own, program)) return;
  int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  char line[100] = {0};
  resident();
  long before = resident();
  malloc_trim(0);
  long after = resident();
  int length = snprintf(line, sizeof line, "%ld %ld\n", before, after);
  if (write(file, line, length) != length) abort();
  close(file);
}
