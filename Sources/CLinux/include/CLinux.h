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

/// Ignores a signal from now on. Returns whether it was ignored already.
int linux_ignore_signal(int signal);

/// Gives back the memory of a part of a nameless file, which reads as zeros then.
void linux_discard_file(int descriptor, int64_t start, int64_t count);
