// Allocates from code that no unwind information describes, or that it describes wrongly. Prints, for
// each block, its address and the bounds of the code that asked for it.
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static void report(void *block, const void *start, size_t bytes) {
  char line[128];
  snprintf(line, sizeof line, "%lu %lu %lu\n", (unsigned long)block, (unsigned long)start,
           (unsigned long)start + bytes);
  fputs(line, stdout);
}

// Code made at run time: sub $8, %rsp; mov $77, %edi; movabs $malloc, %rax; call *%rax; add $8, %rsp;
// ret. The second one keeps a frame pointer.
static const unsigned char bare[] = {0x48, 0x83, 0xec, 8, 0xbf, 77, 0, 0, 0, 0x48, 0xb8, 0, 0, 0,
                                     0, 0, 0, 0, 0, 0xff, 0xd0, 0x48, 0x83, 0xc4, 8, 0xc3};
static const unsigned char framed[] = {0x55, 0x48, 0x89, 0xe5, 0xbf, 77, 0, 0, 0, 0x48, 0xb8, 0, 0,
                                       0, 0, 0, 0, 0, 0, 0xff, 0xd0, 0x5d, 0xc3};

static void made_at_run_time(const unsigned char *code, size_t bytes) {
  unsigned char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
                             MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  memcpy(page, code, bytes);
  void *(*function)(size_t) = malloc;
  memcpy(page + 11, &function, 8);
  for (int i = 0; i < 100; i++) report(((void *(*)(void))page)(), page, bytes);
  munmap(page, 4096);
}

// Functions that lie about their frames: a frame address that is nowhere, one further down, one in
// a register that only a debugger would follow, an expression that makes no sense, one that loads
// from nowhere, an instruction that does not exist.
#define LIAR(name, lie)                                                                       \
  void *name(void);                                                                           \
  __asm__(".text\n.globl " #name "\n.type " #name ", @function\n" #name ":\n.cfi_startproc\n" \
          "sub $8, %rsp\n" lie "\nmov $77, %edi\ncall malloc@PLT\nadd $8, %rsp\nret\n"        \
          ".cfi_endproc\n.size " #name ", . - " #name "\n");
LIAR(nowhere, ".cfi_def_cfa rsp, 0x7ffff0")
LIAR(down, ".cfi_def_cfa rsp, -4096")
LIAR(register_, ".cfi_def_cfa rbx, 16")
LIAR(unaligned, ".cfi_def_cfa rsp, 13")
LIAR(senseless, ".cfi_escape 0x0f, 3, 0x96, 0xff, 0x22")
LIAR(loads, ".cfi_escape 0x0f, 4, 0x30, 0x06, 0x06, 0x06")
LIAR(too_long, ".cfi_escape 0x0f, 0xff, 0xff, 0x7f, 0x77, 0x00")
LIAR(unknown, ".cfi_escape 0x3f")
LIAR(forgotten, ".cfi_escape 0x0b, 0x0b, 0x0b")
LIAR(saved, ".cfi_def_cfa_offset 16\n.cfi_offset rbp, -0x7ff0")

int main(void) {
  made_at_run_time(bare, sizeof bare);
  made_at_run_time(framed, sizeof framed);
  void *(*const liars[])(void) = {nowhere,  down,  register_, unaligned, senseless,
                                  loads, too_long, unknown,   forgotten, saved};
  for (size_t i = 0; i < sizeof liars / sizeof *liars; i++)
    for (int j = 0; j < 10; j++) report(liars[i](), (void *)liars[i], 24);
  return 0;
}
