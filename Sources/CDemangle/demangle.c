// Calls the demanglers that libstdc++ and the Swift runtime export without a C header.
#define _GNU_SOURCE
#include "CDemangle.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char *__cxa_demangle(const char *mangled, char *buffer, size_t *length, int *status);
extern char *swift_demangle(const char *mangled, size_t mangledLength, char *buffer,
                            size_t *bufferSize, uint32_t flags);

ptrdiff_t lacuna_demangle(enum lacuna_mangling mangling, const char *mangled, size_t length,
                          char *output, size_t capacity) {
  int status = 0;
  char *name = mangling == LACUNA_MANGLING_CXX ? __cxa_demangle(mangled, NULL, NULL, &status)
                                               : swift_demangle(mangled, length, NULL, NULL, 0);
  if (name == NULL) return -1;
  size_t full = strlen(name);
  memcpy(output, name, full < capacity ? full : capacity);
  free(name);
  return (ptrdiff_t)full;
}

enum { guard_milliseconds = 500 };

static void limit_child(size_t memory_limit) {
  struct rlimit none = {0, 0}, second = {1, 1};
  setrlimit(RLIMIT_CORE, &none);
  setrlimit(RLIMIT_CPU, &second);
  // The limit on the address space counts what is mapped already.
  unsigned long pages = 0;
  FILE *statm = fopen("/proc/self/statm", "re");
  if (statm == NULL || fscanf(statm, "%lu", &pages) != 1) _exit(1);
  fclose(statm);
  rlim_t bytes = (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE) + memory_limit;
  struct rlimit space = {bytes, bytes};
  if (setrlimit(RLIMIT_AS, &space) != 0) _exit(1);
  // The runtime aborts when it finds no memory; nobody needs to hear of it.
  signal(SIGABRT, SIG_DFL);
  signal(SIGSEGV, SIG_DFL);
  signal(SIGILL, SIG_DFL);
  signal(SIGTRAP, SIG_DFL);
  signal(SIGPIPE, SIG_DFL);
  int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
  if (null >= 0) dup2(null, STDERR_FILENO);
}

static int64_t now_milliseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/// Reads until the end of the pipe, the end of the buffer, or the deadline: -1 for the last.
static ptrdiff_t read_until_deadline(int pipe, char *output, size_t capacity) {
  int64_t deadline = now_milliseconds() + guard_milliseconds;
  size_t received = 0;
  while (received < capacity) {
    int64_t left = deadline - now_milliseconds();
    if (left <= 0) return -1;
    struct pollfd ready = {.fd = pipe, .events = POLLIN};
    int count = poll(&ready, 1, (int)left);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return -1;
    ssize_t part = read(pipe, output + received, capacity - received);
    if (part < 0 && errno == EINTR) continue;
    if (part < 0) return -1;
    if (part == 0) break;
    received += (size_t)part;
  }
  return (ptrdiff_t)received;
}

ptrdiff_t lacuna_demangle_guarded(enum lacuna_mangling mangling, const char *mangled,
                                  size_t length, char *output, size_t capacity,
                                  size_t memory_limit) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return -1;
  pid_t child = fork();
  if (child < 0) {
    close(ends[0]);
    close(ends[1]);
    return -1;
  }
  if (child == 0) {
    limit_child(memory_limit);
    ptrdiff_t full = lacuna_demangle(mangling, mangled, length, output, capacity);
    if (full < 0) _exit(1);
    size_t count = (size_t)full < capacity ? (size_t)full : capacity;
    for (size_t sent = 0; sent < count;) {
      ssize_t part = write(ends[1], output + sent, count - sent);
      if (part < 0 && errno == EINTR) continue;
      if (part < 0) _exit(1);
      sent += (size_t)part;
    }
    _exit(0);
  }
  close(ends[1]);
  ptrdiff_t received = read_until_deadline(ends[0], output, capacity);
  close(ends[0]);
  if (received < 0) kill(child, SIGKILL);
  int status = 0;
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return received > 0 ? received : -1;
  }
  if (received > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0) return received;
  return WIFSIGNALED(status) ? -2 : -1;
}
