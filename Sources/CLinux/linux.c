// Thin wrappers, see the header.
#define _GNU_SOURCE
#include "CLinux.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <sys/uio.h>
#include <unistd.h>

int linux_memory_file(const char *name) { return memfd_create(name, MFD_CLOEXEC); }

int linux_thread_exists(int32_t process, int32_t thread) {
  return syscall(SYS_tgkill, process, thread, 0) == 0 || errno != ESRCH;
}

int linux_signal_descriptor(const int *signals, int count) {
  sigset_t set;
  sigemptyset(&set);
  for (int i = 0; i < count; i++) sigaddset(&set, signals[i]);
  if (sigprocmask(SIG_BLOCK, &set, NULL) != 0) return -1;
  return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int linux_next_signal(int descriptor) {
  struct signalfd_siginfo info;
  if (read(descriptor, &info, sizeof info) != sizeof info) return 0;
  return info.ssi_code > 0 ? -(int)info.ssi_signo : (int)info.ssi_signo;
}

int linux_ignore_signal(int number) { return signal(number, SIG_IGN) == SIG_IGN; }

int linux_process_descriptor(int32_t process) { return syscall(SYS_pidfd_open, process, 0); }

void linux_futex_wait(uint32_t *word, uint32_t value, int milliseconds) {
  struct timespec limit = {milliseconds / 1000, milliseconds % 1000 * 1000000L};
  syscall(SYS_futex, word, FUTEX_WAIT, value, &limit, NULL, 0);
}

void linux_futex_wake(uint32_t *word) { syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0); }

int linux_has_other_writers(int descriptor) {
  if (fcntl(descriptor, F_SETLEASE, F_WRLCK) != 0) return errno == EAGAIN;
  fcntl(descriptor, F_SETLEASE, F_UNLCK);
  return 0;
}

void linux_discard_file(int descriptor, int64_t start, int64_t count) {
  (void)fallocate(descriptor, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, start, count);
}

long linux_gather_memory(int32_t process, const uint64_t *addresses, unsigned long pieces,
                         void *buffer, unsigned long count) {
  struct iovec remote[64];
  unsigned long done = 0;
  long total = 0;
  while (done < pieces) {
    unsigned long batch = pieces - done < 64 ? pieces - done : 64;
    for (unsigned long i = 0; i < batch; i++)
      remote[i] = (struct iovec){(void *)addresses[done + i], count};
    struct iovec local = {(char *)buffer + total, batch * count};
    long result = process_vm_readv(process, &local, 1, remote, batch, 0);
    if (result < 0) return total > 0 ? total : -1;
    total += result;
    if ((unsigned long)result < batch * count) break;
    done += batch;
  }
  return total;
}

// PAGEMAP_SCAN and its argument, as linux/fs.h has them from Linux 6.7 on.
struct scan_argument {
  uint64_t size, flags, start, end, walk_end, vec, vec_len, max_pages;
  uint64_t category_inverted, category_mask, category_anyof_mask, return_mask;
};
#define SCAN_REQUEST _IOWR('f', 16, struct scan_argument)
enum { PAGE_ZERO = 1 << 5 };

long linux_scan_pages(int descriptor, uint64_t *start, uint64_t end,
                      struct linux_page_range *ranges, unsigned long capacity) {
  struct scan_argument argument = {
      .size = sizeof argument,
      .start = *start,
      .end = end,
      .vec = (uint64_t)ranges,
      .vec_len = capacity,
      .category_inverted = PAGE_ZERO,
      .category_mask = PAGE_ZERO,
      .category_anyof_mask = LINUX_PAGE_PRESENT | LINUX_PAGE_SWAPPED,
      .return_mask = LINUX_PAGE_PRESENT | LINUX_PAGE_SWAPPED,
  };
  long count = ioctl(descriptor, SCAN_REQUEST, &argument);
  if (count >= 0) *start = argument.walk_end;
  return count;
}
