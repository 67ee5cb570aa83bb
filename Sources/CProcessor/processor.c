// What the kernel says of the processors.
#define _GNU_SOURCE
#include "CProcessor.h"

#include <sched.h>
#include <unistd.h>

int processor_count(void) {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set);
  long online = sysconf(_SC_NPROCESSORS_ONLN);
  return online > 0 && online < 1 << 20 ? (int)online : 1;
}
