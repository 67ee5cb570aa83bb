// Allocates on a stack of its own making, whose neighbour is unmapped in between. The address that
// the coroutine would return to lies in an ordinary function, as coroutine libraries put it, so a
// walk that trusts it looks above the top of the stack. Prints "fine".
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

enum { STACK = 65536 };
static jmp_buf home;

__attribute__((noinline)) static void body(void) {
  void *volatile block = malloc(100);
  free(block);
  longjmp(home, 1);
}

__attribute__((noinline)) static void trampoline(void) { exit(3); }

__attribute__((noinline, noreturn)) static void run(char *top) {
  __asm__ volatile("mov %0, %%rsp\n\tmov %1, %%rax\n\txor %%ebp, %%ebp\n\tjmp *%%rax"
                   : : "r"(top), "r"(body) : "rax");
  __builtin_unreachable();
}

int main(void) {
  char *stacks = mmap(NULL, 2 * STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  char *top = stacks + STACK - 8;
  *(void **)top = (char *)trampoline + 4;
  if (!setjmp(home)) run(top);
  munmap(stacks + STACK, STACK);
  if (!setjmp(home)) run(top);
  puts("fine");
  return 0;
}
