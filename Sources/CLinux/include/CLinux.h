// The calls of Linux that Swift's Glibc module does not show.
#pragma once
#include "Tracing.h"
#include <stdint.h>

/// A nameless file in memory, closed on exec. Returns a descriptor, or -1 with errno.
int linux_memory_file(const char *name);

/// Whether a thread of a process exists.
int linux_thread_exists(int32_t process, int32_t thread);

/// Blocks the `count` signals and returns a descriptor from which they are read, or -1.
int linux_signal_descriptor(const int *signals, int count);

/// The next signal of the descriptor: its number, negative if the kernel itself sent it (a key
/// pressed at the terminal), 0 if there is none.
int linux_next_signal(int descriptor);

/// Reads `count` bytes at each of so many addresses of another process, one piece behind the other.
/// Returns the bytes read, up to the first that could not be, or -1 with errno.
long linux_gather_memory(int32_t process, const uint64_t *addresses, unsigned long pieces,
                         void *buffer, unsigned long count);

/// Wakes all who wait for a word in shared memory to change.

/// Pages of the same kind, as the kernel reports them.
struct linux_page_range {
  uint64_t start, end, categories;
};

enum {
  LINUX_PAGE_PRESENT = 1 << 3,
  LINUX_PAGE_SWAPPED = 1 << 4,
};

/// Lists the pages from `*start` to `end` that are in memory, without pages of zeros that were only
/// read, or in swap. `descriptor` is an open /proc/PID/pagemap. Returns the number of ranges, and
/// where to go on in `*start`; -1 with errno where the kernel cannot (ENOTTY before 6.7).
long linux_scan_pages(int descriptor, uint64_t *start, uint64_t end,
                      struct linux_page_range *ranges, unsigned long capacity);

/// Ignores a signal from now on. Returns whether it was ignored already.
int linux_ignore_signal(int signal);

/// A descriptor that can be read when the process has ended, or -1.
int linux_process_descriptor(int32_t process);

/// Whether somebody else has the file open for writing, or in memory to write to. The kernel grants
/// a lease for writing only to the single one who could write (fcntl(2), "Leases").
int linux_has_other_writers(int descriptor);

/// Sleeps while the word has that value, at most so long; another process may wake it.
void linux_futex_wait(uint32_t *word, uint32_t value, int milliseconds);

/// Wakes all who sleep on the word.
void linux_futex_wake(uint32_t *word);
/// Gives back the memory of a part of a nameless file, which reads as zeros then.
void linux_discard_file(int descriptor, int64_t start, int64_t count);
