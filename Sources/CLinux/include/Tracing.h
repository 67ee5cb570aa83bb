// Stopping, reading and changing another process. All functions return 0 or more, or -errno.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <sys/user.h>

/// What became of a traced thread.
enum linux_thread_state {
  LINUX_THREAD_RUNS = 0,
  LINUX_THREAD_GONE = 1,
  /// It stands still because the tracer asked for it.
  LINUX_THREAD_INTERRUPTED = 2,
  /// It stands still because its whole process was stopped, by SIGSTOP for example.
  LINUX_THREAD_GROUP_STOPPED = 3,
  /// It is about to receive a signal.
  LINUX_THREAD_SIGNAL = 4,
  /// It enters or leaves a system call.
  LINUX_THREAD_SYSTEM_CALL = 5,
  /// Anything else that a traced thread reports.
  LINUX_THREAD_EVENT = 6,
};

/// Begins to trace a thread, which runs on.
int linux_trace_seize(int32_t thread);
/// Asks a seized thread to stand still.
int linux_trace_interrupt(int32_t thread);
/// Looks whether a traced thread stands still, without waiting. Returns a `linux_thread_state`, and
/// the signal in question where there is one.
int linux_trace_state(int32_t thread, int *signal);
/// Lets a thread that stands still run on, with a signal or 0.
int linux_trace_resume(int32_t thread, int signal);
/// The same up to the next entry into, or exit from, a system call.
int linux_trace_resume_to_call(int32_t thread, int signal);
/// Ends the tracing of a thread that stands still, and lets it run.
int linux_trace_detach(int32_t thread, int signal);

int linux_trace_registers(int32_t thread, struct user_regs_struct *registers);
int linux_trace_set_registers(int32_t thread, const struct user_regs_struct *registers);
/// The floating point and vector registers, as the processor saves them. Returns their length.
int linux_trace_vectors(int32_t thread, void *buffer, size_t capacity);
int linux_trace_set_vectors(int32_t thread, const void *buffer, size_t count);
/// The signals that the thread blocks, bit n-1 for signal n.
int linux_trace_signal_mask(int32_t thread, uint64_t *mask);
int linux_trace_set_signal_mask(int32_t thread, uint64_t mask);
/// What is known of the signal that the thread is about to receive: where a fault happened, and
/// whether it was a fault at all.
int linux_trace_signal_origin(int32_t thread, uint64_t *address, int *is_fault);
/// Writes eight bytes into the memory of a thread that stands still, whatever its protection.
int linux_trace_poke(int32_t thread, uint64_t address, uint64_t word);
/// Stops the thread before it executes the instruction at an address: up to four, `index` 0 to 3.
/// Address 0 takes the stop away.
int linux_trace_set_breakpoint(int32_t thread, int index, uint64_t address);

/// Reads the memory of a process. Returns how many bytes could be read.
long linux_memory_read(int32_t process, uint64_t address, void *buffer, size_t count);
/// Writes into memory that the process itself may write.
long linux_memory_write(int32_t process, uint64_t address, const void *buffer, size_t count);
/// Reads `count` words of eight bytes at the given addresses, as far as they can be read. Returns
/// how many words were read before the first that could not be.
long linux_memory_words(int32_t process, const uint64_t *addresses, uint64_t *words, size_t count);

/// Sends a signal to a thread.
int linux_thread_signal(int32_t process, int32_t thread, int signal);
