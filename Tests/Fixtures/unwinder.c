// A witness of call stacks: takes every WITNESS_RATEth stack with glibc's own unwinder, behind the
// tracer, up to WITNESS_SAMPLES of them, those of the first thread alone.
// Loaded with LD_PRELOAD; in the program that WITNESS_PROGRAM names it writes, for each stack taken,
// 64-bit numbers to the file WITNESS_FILE: the number of the request, counted from 0, the number of
// return addresses, and these, innermost first, from the caller of the tracer's malloc on.
#define _GNU_SOURCE
#include <execinfo.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t), *__libc_memalign(size_t, size_t);

static int file = -1, state; // 0: not started, 1: busy, 2: at work, 3: not our program
static uint64_t requests, rate = 61, samples = 1ul << 40;

static uint64_t number_of(const char *name, uint64_t usual) {
  const char *text = getenv(name);
  return text ? strtoul(text, NULL, 10) : usual;
}

static void start(void) {
  if (state != 0 || !environ) return;
  state = 1;
  static char self[4096];
  const char *program = getenv("WITNESS_PROGRAM"), *path = getenv("WITNESS_FILE");
  int ours = program && path && readlink("/proc/self/exe", self, sizeof self - 1) > 0 &&
             strcmp(self, program) == 0;
  if (ours) file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  rate = number_of("WITNESS_RATE", rate);
  samples = number_of("WITNESS_SAMPLES", samples);
  state = ours && file >= 0 ? 2 : 3;
}

static void *witness(void *block) {
  start();
  if (!block || state != 2 || getpid() != gettid()) return block;
  uint64_t number = requests++;
  if (number % rate || samples == 0) return block;
  samples--;
  state = 1; // backtrace loads a library when it is first called
  static void *frames[512];
  static uint64_t record[514];
  // 0 is this function, 1 our malloc, 2 the tracer's.
  int count = backtrace(frames, 512) - 3;
  if (count > 0) {
    record[0] = number;
    record[1] = count;
    memcpy(record + 2, frames + 3, count * sizeof *frames);
    (void)!write(file, record, (count + 2) * 8);
  }
  state = 2;
  return block;
}

void *malloc(size_t size) {
  void *block = witness(__libc_malloc(size));
  __asm__ volatile("" : "+r"(block));
  return block;
}
void *calloc(size_t n, size_t size) {
  void *block = witness(__libc_calloc(n, size));
  __asm__ volatile("" : "+r"(block));
  return block;
}
void *realloc(void *old, size_t size) {
  void *block = witness(__libc_realloc(old, size));
  __asm__ volatile("" : "+r"(block));
  return block;
}
void *memalign(size_t alignment, size_t size) {
  void *block = witness(__libc_memalign(alignment, size));
  __asm__ volatile("" : "+r"(block));
  return block;
}
void *aligned_alloc(size_t alignment, size_t size) {
  void *block = witness(__libc_memalign(alignment, size));
  __asm__ volatile("" : "+r"(block));
  return block;
}
int posix_memalign(void **result, size_t alignment, size_t size) {
  void *block = witness(__libc_memalign(alignment, size));
  if (!block) return 12;
  *result = block;
  return 0;
}
