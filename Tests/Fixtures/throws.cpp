// Allocates while exceptions fly and jumps cut stacks short; prints, for each block, its address and
// what glibc's backtrace() says about the callers of the function that allocated it.
#include <csetjmp>
#include <cstdio>
#include <cstdlib>
#include <execinfo.h>
#include <stdexcept>
#include <unistd.h>

#define NOINLINE __attribute__((noinline))

// Frame 0 of the walk is note, 1 the function that allocated; what follows are its callers.
NOINLINE static void note(void *block) {
  void *frames[64];
  int count = backtrace(frames, 64);
  char line[2048];
  int length = snprintf(line, sizeof line, "%p", block);
  for (int i = 2; i < count; i++)
    length += snprintf(line + length, sizeof line - length, " %p", frames[i]);
  line[length++] = '\n';
  (void)!write(1, line, length);
}

NOINLINE static void leaf(size_t size) {
  void *block = malloc(size);
  note(block);
  __asm__ volatile("" : : "r"(block) : "memory");
}

struct Allocates {
  size_t size;
  NOINLINE ~Allocates() { leaf(size); }
};

NOINLINE static void thrower(int depth) {
  Allocates later{size_t(500 + depth)};
  if (depth == 0) throw std::runtime_error("a message that is too long for the string itself");
  thrower(depth - 1);
}

NOINLINE static void jumper(jmp_buf &home, int depth) {
  leaf(700 + depth);
  if (depth == 0) longjmp(home, 1);
  jumper(home, depth - 1);
  __asm__ volatile("" : : : "memory");
}

int main() {
  void *warm[2];
  backtrace(warm, 2);
  for (int i = 0; i < 20; i++) {
    try {
      thrower(i % 5);
    } catch (const std::exception &) {
      leaf(600);
    }
    jmp_buf home;
    if (setjmp(home) == 0) jumper(home, i % 7);
    leaf(800);
  }
}
