// Thin wrappers of ptrace and its relatives, see the header.
#define _GNU_SOURCE
#include "Tracing.h"
#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static int result_of(long result) { return result == -1 ? -errno : (int)result; }

int linux_trace_seize(int32_t thread) {
  return result_of(ptrace(PTRACE_SEIZE, thread, 0, PTRACE_O_TRACESYSGOOD));
}

int linux_trace_interrupt(int32_t thread) {
  return result_of(ptrace(PTRACE_INTERRUPT, thread, 0, 0));
}

int linux_trace_state(int32_t thread, int *signal) {
  int status;
  *signal = 0;
  pid_t found = waitpid(thread, &status, __WALL | WNOHANG);
  if (found == 0) return LINUX_THREAD_RUNS;
  if (found < 0) return errno == EINTR ? LINUX_THREAD_RUNS : LINUX_THREAD_GONE;
  if (!WIFSTOPPED(status)) return LINUX_THREAD_GONE;
  *signal = WSTOPSIG(status);
  if (status >> 16 == PTRACE_EVENT_STOP)
    return *signal == SIGTRAP ? LINUX_THREAD_INTERRUPTED : LINUX_THREAD_GROUP_STOPPED;
  if (status >> 16) return LINUX_THREAD_EVENT;
  if (*signal == (SIGTRAP | 0x80)) return LINUX_THREAD_SYSTEM_CALL;
  return LINUX_THREAD_SIGNAL;
}

int linux_trace_resume(int32_t thread, int signal) {
  return result_of(ptrace(PTRACE_CONT, thread, 0, (long)signal));
}

int linux_trace_resume_to_call(int32_t thread, int signal) {
  return result_of(ptrace(PTRACE_SYSCALL, thread, 0, (long)signal));
}

int linux_trace_detach(int32_t thread, int signal) {
  return result_of(ptrace(PTRACE_DETACH, thread, 0, (long)signal));
}

int linux_trace_registers(int32_t thread, struct user_regs_struct *registers) {
  return result_of(ptrace(PTRACE_GETREGS, thread, 0, registers));
}

int linux_trace_set_registers(int32_t thread, const struct user_regs_struct *registers) {
  return result_of(ptrace(PTRACE_SETREGS, thread, 0, registers));
}

int linux_trace_vectors(int32_t thread, void *buffer, size_t capacity) {
  struct iovec area = {buffer, capacity};
  if (ptrace(PTRACE_GETREGSET, thread, NT_X86_XSTATE, &area) == -1) return -errno;
  return (int)area.iov_len;
}

int linux_trace_set_vectors(int32_t thread, const void *buffer, size_t count) {
  struct iovec area = {(void *)buffer, count};
  return result_of(ptrace(PTRACE_SETREGSET, thread, NT_X86_XSTATE, &area));
}

int linux_trace_signal_mask(int32_t thread, uint64_t *mask) {
  return result_of(ptrace(PTRACE_GETSIGMASK, thread, sizeof *mask, mask));
}

int linux_trace_set_signal_mask(int32_t thread, uint64_t mask) {
  return result_of(ptrace(PTRACE_SETSIGMASK, thread, sizeof mask, &mask));
}

int linux_trace_signal_origin(int32_t thread, uint64_t *address, int *is_fault) {
  siginfo_t info;
  if (ptrace(PTRACE_GETSIGINFO, thread, 0, &info) == -1) return -errno;
  *address = (uint64_t)info.si_addr;
  *is_fault = info.si_code > 0;
  return 0;
}

int linux_trace_poke(int32_t thread, uint64_t address, uint64_t word) {
  return result_of(ptrace(PTRACE_POKEDATA, thread, address, word));
}

int linux_trace_set_breakpoint(int32_t thread, int index, uint64_t address) {
  size_t control = offsetof(struct user, u_debugreg[7]);
  size_t place = offsetof(struct user, u_debugreg) + (size_t)index * sizeof(long);
  errno = 0;
  long enabled = ptrace(PTRACE_PEEKUSER, thread, control, 0);
  if (errno) return -errno;
  // Two bits for each: local and global. Condition and length 0: execution.
  unsigned long bits = (unsigned long)enabled & ~(3ul << (2 * index)) & ~(15ul << (16 + 4 * index));
  if (ptrace(PTRACE_POKEUSER, thread, control, bits) == -1) return -errno;
  if (ptrace(PTRACE_POKEUSER, thread, place, address) == -1) return -errno;
  if (address == 0) return 0;
  return result_of(ptrace(PTRACE_POKEUSER, thread, control, bits | 1ul << (2 * index)));
}

long linux_memory_read(int32_t process, uint64_t address, void *buffer, size_t count) {
  struct iovec ours = {buffer, count};
  struct iovec theirs = {(void *)address, count};
  long read = process_vm_readv(process, &ours, 1, &theirs, 1, 0);
  return read == -1 ? -errno : read;
}

long linux_memory_write(int32_t process, uint64_t address, const void *buffer, size_t count) {
  struct iovec ours = {(void *)buffer, count};
  struct iovec theirs = {(void *)address, count};
  long written = process_vm_writev(process, &ours, 1, &theirs, 1, 0);
  return written == -1 ? -errno : written;
}

long linux_memory_words(int32_t process, const uint64_t *addresses, uint64_t *words, size_t count) {
  struct iovec theirs[512];
  size_t done = 0;
  while (done < count) {
    size_t batch = count - done < 512 ? count - done : 512;
    for (size_t i = 0; i < batch; i++)
      theirs[i] = (struct iovec){(void *)addresses[done + i], sizeof *words};
    struct iovec ours = {words + done, batch * sizeof *words};
    long read = process_vm_readv(process, &ours, 1, theirs, batch, 0);
    if (read == -1) return done ? (long)done : -errno;
    done += (size_t)read / sizeof *words;
    if ((size_t)read < batch * sizeof *words) break;
  }
  return (long)done;
}

int linux_thread_signal(int32_t process, int32_t thread, int signal) {
  return result_of(syscall(SYS_tgkill, process, thread, signal));
}
