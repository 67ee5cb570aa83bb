// How much stack malloc, realloc and free need: runs them on a painted stack, cold and warm, and
// prints the most that was used. Then a signal handler allocates on an alternate stack with two
// kilobytes beside what the kernel needs, between forbidden pages; ends with "fine".
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>

enum { SIZE = 65536 };
static char painted[SIZE] __attribute__((aligned(64)));
static void *volatile block;
static volatile size_t size;

__attribute__((noinline)) static void allocate(void) { block = malloc(size); }
__attribute__((noinline)) static void enlarge(void) { block = realloc(block, size * 3); }
__attribute__((noinline)) static void release(void) { free(block); }

static size_t used(void (*work)(void)) {
  memset(painted, 0xa5, SIZE);
  __asm__ volatile("mov %%rsp, %%rbx\n\tmov %0, %%rsp\n\tcall *%1\n\tmov %%rbx, %%rsp"
                   : : "r"(painted + SIZE - 64), "r"(work)
                   : "rbx", "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "memory");
  size_t free_bytes = 0;
  while ((unsigned char)painted[free_bytes] == 0xa5) free_bytes++;
  return SIZE - free_bytes;
}

static void handler(int signal) {
  (void)signal;
  for (size_t bytes = 8; bytes < 1 << 20; bytes *= 5) {
    void *mine = malloc(bytes);
    mine = realloc(mine, bytes * 2);
    free(mine);
  }
}

int main(void) {
  size_t most = 0;
  for (size = 24; size < 1 << 20; size *= 9) {
    void (*works[])(void) = {allocate, enlarge, release};
    for (int i = 0; i < 3; i++) {
      size_t now = used(works[i]);
      if (now > most) most = now;
    }
  }
  printf("%zu\n", most);
  size_t bytes = (getauxval(AT_MINSIGSTKSZ) + 2048 + 4095) & ~4095ul;
  char *pages = mmap(NULL, bytes + 8192, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  mprotect(pages + 4096, bytes, PROT_READ | PROT_WRITE);
  size_t wanted = getauxval(AT_MINSIGSTKSZ) + 2048;
  sigaltstack(&(stack_t){.ss_sp = pages + 4096, .ss_size = wanted}, NULL);
  sigaction(SIGUSR1, &(struct sigaction){.sa_handler = handler, .sa_flags = SA_ONSTACK}, NULL);
  raise(SIGUSR1);
  puts("fine");
  return 0;
}
