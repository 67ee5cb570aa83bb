// A process for a recorder to attach to. It verifies itself, and shows in a shared file what it
// does: attached FILE MODE [NUMBER | PLUGIN].
//
//   busy N      N threads that allocate without end; every second one blocks all signals
//   waiting     one thread in each of many calls that wait, until FILE says to end
//   plugin P    loads the plugin P when FILE says so and lets it allocate
//   vfork       a thread waits for a child that shares its memory, while another one allocates
//   filtered    is ended by the kernel when it makes a nameless file; waits for its input
//   exec        executes itself anew, as `busy 1`, when FILE says so
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct state {
  _Atomic uint64_t ready, order, allocations, failures, first_malloc, malloc_now, plugin_malloc_now;
  _Atomic uint64_t ticks;
};

static struct state *state;

static void fail(const char *what) {
  fprintf(stderr, "failed: %s, errno %d\n", what, errno);
  state->failures++;
}

// What the table of imports says now.
__attribute__((noinline)) static uint64_t import_of_malloc(void) {
  void *(*volatile function)(size_t) = malloc;
  return (uint64_t)function;
}

__attribute__((noinline)) void *busy_allocation(size_t size) {
  void *block = malloc(size);
  state->allocations++;
  return block;
}

static void on_tick(int number) {
  (void)number;
  state->ticks++;
}

// ---- busy ---------------------------------------------------------------------------------------

static void *busy(void *argument) {
  uintptr_t number = (uintptr_t)argument;
  sigset_t all, now;
  sigfillset(&all);
  if (number & 1) pthread_sigmask(SIG_BLOCK, &all, NULL);
  unsigned char *blocks[64] = {0};
  size_t sizes[64] = {0};
  uint64_t random = number * 7919 + 1;
  double sum = 0;
  while (!state->order) {
    random = random * 6364136223846793005u + 1442695040888963407u;
    unsigned slot = random >> 58;
    size_t size = 1 + (random >> 33) % 2000;
    if (blocks[slot]) {
      for (size_t i = 0; i < sizes[slot]; i += 97)
        if (blocks[slot][i] != (unsigned char)(slot + i)) fail("contents");
      free(blocks[slot]);
    }
    blocks[slot] = busy_allocation(size);
    for (size_t i = 0; i < size; i += 97) blocks[slot][i] = (unsigned char)(slot + i);
    sizes[slot] = size;
    // Kept in vector registers across calls of nothing.
    sum = sum * 0.5 + (double)slot;
    if (number == 0) state->malloc_now = import_of_malloc();
  }
  if (!(sum >= 0 && sum <= 128)) fail("arithmetic");
  pthread_sigmask(SIG_BLOCK, NULL, &now);
  if (number & 1 && !sigismember(&now, SIGTRAP)) fail("signal mask");
  for (int i = 0; i < 64; i++) free(blocks[i]);
  return NULL;
}

static void run_busy(int count) {
  pthread_t threads[64];
  // Signals that are handled come all the time.
  struct sigaction action = {.sa_handler = on_tick, .sa_flags = SA_RESTART};
  sigaction(SIGALRM, &action, NULL);
  struct itimerval interval = {{0, 1000}, {0, 1000}};
  setitimer(ITIMER_REAL, &interval, NULL);
  for (int i = 1; i < count; i++) pthread_create(&threads[i], NULL, busy, (void *)(uintptr_t)i);
  state->ready = 1;
  busy((void *)0);
  for (int i = 1; i < count; i++) pthread_join(threads[i], NULL);
}

// ---- waiting ------------------------------------------------------------------------------------

static int pipes[8][2];
static int sockets[2];
static sem_t semaphore;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static int condition_holds;
static _Atomic int begun;

static void *use_memory(void) {
  for (int i = 0; i < 100; i++) free(busy_allocation(100 + i));
  return NULL;
}

static void *wait_poll(void *p) {
  (void)p;
  struct pollfd entry = {pipes[0][0], POLLIN, 0};
  begun++;
  if (poll(&entry, 1, -1) != 1) fail("poll");
  return use_memory();
}

static void *wait_epoll(void *p) {
  (void)p;
  int set = epoll_create1(0);
  struct epoll_event event = {.events = EPOLLIN}, got;
  epoll_ctl(set, EPOLL_CTL_ADD, pipes[1][0], &event);
  begun++;
  if (epoll_wait(set, &got, 1, -1) != 1) fail("epoll_wait");
  close(set);
  return use_memory();
}

static void *wait_read(void *p) {
  (void)p;
  char byte;
  begun++;
  if (read(pipes[2][0], &byte, 1) != 1) fail("read");
  return use_memory();
}

static void *wait_select(void *p) {
  (void)p;
  fd_set set;
  FD_ZERO(&set);
  FD_SET(pipes[3][0], &set);
  struct timeval limit = {600, 0};
  begun++;
  if (select(pipes[3][0] + 1, &set, NULL, NULL, &limit) != 1) fail("select");
  return use_memory();
}

static void *wait_receive(void *p) {
  (void)p;
  char byte;
  struct timeval limit = {600, 0};
  setsockopt(sockets[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  begun++;
  if (recv(sockets[0], &byte, 1, 0) != 1) fail("recv");
  return use_memory();
}

static void *wait_semaphore(void *p) {
  (void)p;
  begun++;
  if (sem_wait(&semaphore) != 0) fail("sem_wait");
  return use_memory();
}

static void *wait_timed(void *p) {
  (void)p;
  struct timespec limit;
  clock_gettime(CLOCK_REALTIME, &limit);
  limit.tv_sec += 600;
  begun++;
  if (sem_timedwait(&semaphore, &limit) != 0) fail("sem_timedwait");
  return use_memory();
}

static void *wait_condition(void *p) {
  (void)p;
  pthread_mutex_lock(&mutex);
  begun++;
  while (!condition_holds) pthread_cond_wait(&condition, &mutex);
  pthread_mutex_unlock(&mutex);
  return use_memory();
}

static void *wait_suspended(void *p) {
  (void)p;
  struct pollfd entry = {pipes[4][0], POLLIN, 0};
  sigset_t before, after, none;
  sigfillset(&after);
  pthread_sigmask(SIG_SETMASK, &after, NULL);
  pthread_sigmask(SIG_SETMASK, NULL, &before);
  sigemptyset(&none);
  sigaddset(&none, SIGUSR1);
  begun++;
  if (ppoll(&entry, 1, NULL, &none) != 1) fail("ppoll");
  pthread_sigmask(SIG_SETMASK, NULL, &after);
  if (memcmp(&before, &after, 8) != 0) fail("signal mask after ppoll");
  return use_memory();
}

static double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec + now.tv_nsec * 1e-9;
}

static void *wait_sleep(void *p) {
  (void)p;
  double start = seconds();
  struct timespec length = {2, 0};
  begun++;
  if (nanosleep(&length, NULL) != 0) fail("nanosleep");
  if (seconds() - start < 2) fail("nanosleep was short");
  return use_memory();
}

static void *wait_signal(void *p) {
  (void)p;
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  begun++;
  if (sigwaitinfo(&set, NULL) != SIGUSR1) fail("sigwaitinfo");
  return use_memory();
}

static void run_waiting(void) {
  void *(*const waits[])(void *) = {
      wait_poll,      wait_epoll, wait_read,      wait_select,    wait_receive, wait_semaphore,
      wait_timed,     wait_sleep, wait_condition, wait_suspended, wait_signal};
  enum { COUNT = sizeof waits / sizeof *waits };
  pthread_t threads[COUNT];
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  pthread_sigmask(SIG_BLOCK, &set, NULL);
  for (int i = 0; i < 8; i++)
    if (pipe(pipes[i]) != 0) fail("pipe");
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) != 0) fail("socketpair");
  sem_init(&semaphore, 0, 0);
  for (int i = 0; i < COUNT; i++) pthread_create(&threads[i], NULL, waits[i], NULL);
  while (begun < COUNT) usleep(1000);
  usleep(50000);
  state->ready = 1;
  // The first thread waits too: for a byte from outside.
  char byte;
  if (read(0, &byte, 1) != 1) fail("read of the input");
  for (int i = 0; i < 8; i++)
    if (write(pipes[i][1], "x", 1) != 1) fail("write");
  if (write(sockets[1], "x", 1) != 1) fail("write");
  sem_post(&semaphore);
  sem_post(&semaphore);
  pthread_mutex_lock(&mutex);
  condition_holds = 1;
  pthread_cond_broadcast(&condition);
  pthread_mutex_unlock(&mutex);
  kill(getpid(), SIGUSR1);
  for (int i = 0; i < COUNT; i++) pthread_join(threads[i], NULL);
  use_memory();
}

// ---- plugin -------------------------------------------------------------------------------------

static void run_plugin(const char *path) {
  state->ready = 1;
  while (state->order == 0) usleep(1000);
  void *plugin = dlopen(path, RTLD_LAZY | RTLD_LOCAL);
  if (!plugin) {
    fprintf(stderr, "%s\n", dlerror());
    exit(2);
  }
  uint64_t (*work)(_Atomic uint64_t *) = (uint64_t (*)(_Atomic uint64_t *))dlsym(plugin, "plugin_work");
  while (state->order == 1) {
    state->plugin_malloc_now = work(&state->allocations);
    usleep(100);
  }
  if (dlclose(plugin) != 0) fail("dlclose");
  while (state->order == 2) {
    free(busy_allocation(10));
    usleep(100);
  }
}

// ---- vfork --------------------------------------------------------------------------------------

static void run_vfork(void) {
  pthread_t thread;
  pthread_create(&thread, NULL, busy, (void *)0);
  usleep(20000);
  state->ready = 1;
  pid_t child = vfork();
  if (child == 0) {
    char byte;
    _exit(read(0, &byte, 1) == 1 ? 7 : 8);
  }
  int status;
  if (waitpid(child, &status, 0) != child || WEXITSTATUS(status) != 7) fail("vfork");
  pthread_join(thread, NULL);
}

// ---- filtered -----------------------------------------------------------------------------------

static void run_filtered(void) {
  struct sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_memfd_create, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog filter = {4, program};
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0) fail("filter");
  state->ready = 1;
  char byte;
  if (read(0, &byte, 1) != 1) fail("read of the input");
}

int main(int count, char **arguments) {
  if (count < 3) return 64;
  prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
  // Whoever started this may have blocked signals.
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  int file = open(arguments[1], O_RDWR);
  if (file < 0 || ftruncate(file, 4096) != 0) return 65;
  state = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  const char *mode = arguments[2];
  state->first_malloc = state->malloc_now = import_of_malloc();
  if (strcmp(mode, "busy") == 0) run_busy(atoi(arguments[3]));
  if (strcmp(mode, "waiting") == 0) run_waiting();
  if (strcmp(mode, "vfork") == 0) run_vfork();
  if (strcmp(mode, "filtered") == 0) run_filtered();
  if (strcmp(mode, "plugin") == 0) run_plugin(arguments[3]);
  if (strcmp(mode, "exec") == 0) {
    state->ready = 1;
    while (state->order == 0) {
      free(busy_allocation(10));
      usleep(100);
    }
    state->order = 0;
    state->ready = 2;
    execl("/proc/self/exe", arguments[0], arguments[1], "busy", "1", (char *)NULL);
    return 66;
  }
  return state->failures ? 1 : 0;
}
