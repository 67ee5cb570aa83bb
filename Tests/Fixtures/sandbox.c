// Locks itself in a sandbox that kills it for any system call but a few, those that file(1) and the
// like allow, and goes on allocating. Usage: sandbox BLOCKS [stop]: with the latter its parent is
// stopped for a quarter of a second meanwhile. Two threads allocate so many blocks of 90 bytes each,
// and the first one 101 more. Prints "fine".
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static const int allowed[] = {
    SYS_read,   SYS_write,  SYS_brk,           SYS_mmap,         SYS_munmap, SYS_mprotect,
    SYS_mremap, SYS_madvise, SYS_futex,        SYS_rt_sigprocmask, SYS_exit_group, SYS_exit,
};
enum { ALLOWED = sizeof allowed / sizeof *allowed };

static void lock_in(void) {
  struct sock_filter code[2 * ALLOWED + 2];
  int n = 0;
  code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
                                           offsetof(struct seccomp_data, nr));
  for (int i = 0; i < ALLOWED; i++) {
    code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, allowed[i], 0, 1);
    code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  }
  code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
  struct sock_fprog program = {n, code};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program) != 0)
    abort();
}

static pthread_barrier_t barrier;

// Its first request comes in the sandbox.
static void *late(void *argument) {
  pthread_barrier_wait(&barrier);
  pthread_barrier_wait(&barrier);
  for (long i = 0; i < *(long *)argument; i++) free(malloc(90));
  return argument;
}

__attribute__((noinline)) static void deeper(int depth) {
  volatile char filler[3000];
  filler[0] = 0;
  if (depth > 0) deeper(depth - 1);
  free(malloc(90));
}

int main(int argc, char **argv) {
  static long blocks;
  blocks = argc > 1 ? atol(argv[1]) : 1000;
  pthread_t thread;
  pthread_barrier_init(&barrier, NULL, 2);
  pthread_create(&thread, NULL, late, &blocks);
  pthread_barrier_wait(&barrier); // what a new thread asks of the kernel is behind it
  pid_t recorder = argc > 2 ? getppid() : 0;
  if (recorder && fork() == 0) {
    usleep(250000);
    kill(recorder, SIGCONT);
    _exit(0);
  }
  if (recorder) kill(recorder, SIGSTOP);
  lock_in();
  pthread_barrier_wait(&barrier);
  for (long i = 0; i < blocks; i++) free(malloc(90));
  deeper(100);
  pthread_join(thread, NULL);
  (void)!write(1, "fine\n", 5);
  _exit(0);
}
