// Processes that start processes in every way; each says at its end what it asked of the allocator.
//
// A line is: role, pid, pid of the recorded process that it comes from, allocations, frees. Counted
// are the requests of this file, which have sizes of their own, so that those of libraries are told
// apart: 20011 to 21010 bytes, or a tenth of that.
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;
static const char *self;
static int report = 3;
static long allocations, frees;
static int base = 20011;

static void *get(size_t size) {
  allocations++;
  return malloc(size);
}

static void put(void *block) {
  frees++;
  free(block);
}

static void work(int count) {
  void *kept[16] = {0};
  for (int i = 0; i < count; i++) {
    if (kept[i % 16]) put(kept[i % 16]);
    kept[i % 16] = get(base + i % (base / 21));
  }
}

// One write, of no memory: lines of processes that run at the same time stay whole.
static void say(const char *role, int parent) {
  char line[128];
  int length = snprintf(line, sizeof line, "%s %d %d %ld %ld\n", role, (int)getpid(), parent,
                        allocations, frees);
  if (write(report, line, length) != length) _exit(99);
}

static void start(void) { allocations = frees = 0; }

static void finish(const char *role, int parent) {
  say(role, parent);
  _exit(0);
}

static void await(pid_t child) {
  int status;
  while (waitpid(child, &status, 0) < 0) continue;
}

static void run(const char *role, int parent) {
  char number[16];
  snprintf(number, sizeof number, "%d", parent);
  execl(self, self, "child", role, number, NULL);
  _exit(98);
}

static void *frees_inherited;

static void forked(void) {
  frees_inherited = get(base);
  int parent = getpid();
  pid_t child = fork();
  if (child == 0) {
    start();
    put(frees_inherited);
    work(300);
    int own = getpid();
    pid_t grandchild = fork();
    if (grandchild == 0) {
      start();
      work(200);
      finish("fork-of-fork", own);
    }
    await(grandchild);
    work(100);
    finish("fork", parent);
  }
  await(child);
}

static void raw(void) {
  int parent = getpid();
  pid_t child = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
  if (child == 0) {
    start();
    work(200);
    // Long enough for the recorder to look who is gone.
    usleep(100000);
    work(200);
    finish("raw-clone", parent);
  }
  await(child);
}

// A child of a forked child that has asked for nothing yet borrows its memory, and asks first.
static void borrowed(void) {
  int parent = getpid();
  pid_t child = fork();
  if (child == 0) {
    start();
    int own = getpid();
    pid_t borrower = vfork();
    if (borrower == 0) {
      put(get(base));
      run("vfork-of-fork", own);
    }
    await(borrower);
    work(50);
    finish("lender", parent);
  }
  await(child);
}

static void executed(void) {
  int parent = getpid();
  pid_t child = vfork();
  if (child == 0) {
    put(get(base));
    run("vfork-exec", parent);
  }
  await(child);

  char number[16];
  snprintf(number, sizeof number, "%d", parent);
  char *arguments[] = {(char *)self, "child", "posix_spawn", number, NULL};
  if (posix_spawn(&child, self, NULL, NULL, arguments, environ) == 0) await(child);

  child = fork();
  if (child == 0) {
    start();
    work(30);
    char number[16], before[16];
    snprintf(number, sizeof number, "%d", parent);
    snprintf(before, sizeof before, "%ld %ld", allocations, frees);
    execl(self, self, "continue", "fork-exec", number, before, NULL);
  }
  await(child);
}

static int borrower(void *argument) {
  (void)argument;
  put(get(base));
  run("clone-vm", getppid());
  return 0;
}

static void cloned(void) {
  static char stack[65536];
  pid_t child =
      clone(borrower, stack + sizeof stack, CLONE_VM | CLONE_VFORK | SIGCHLD, NULL);
  await(child);
}

static void shells(void) {
  char command[512];
  snprintf(command, sizeof command, "exec '%s' child system %d", self, (int)getpid());
  if (system(command) != 0) _exit(97);
  snprintf(command, sizeof command, "exec '%s' child popen %d", self, (int)getpid());
  FILE *pipe = popen(command, "r");
  if (!pipe || pclose(pipe) != 0) _exit(96);
}

// Forks twice, leads a session, closes every descriptor, and outlives all others.
static void daemonized(void) {
  int parent = getpid();
  pid_t child = fork();
  if (child == 0) {
    setsid();
    if (fork() != 0) _exit(0);
    int keep = dup2(report, 100);
    for (int i = 0; i < 100; i++) close(i);
    closefrom(101);
    report = keep;
    start();
    work(500);
    usleep(300000);
    work(500);
    finish("daemon", parent);
  }
  await(child);
}

static void chain(int left, const char *number) {
  work(100);
  char next[16], before[40];
  snprintf(next, sizeof next, "%d", left - 1);
  snprintf(before, sizeof before, "%ld %ld", allocations, frees);
  if (left > 0) execl(self, self, "chain", next, number, before, NULL);
  say("chain", atoi(number));
  exit(0);
}

static void killed(void) {
  int parent = getpid();
  int pipes[2];
  if (pipe(pipes)) _exit(95);
  pid_t child = fork();
  if (child == 0) {
    start();
    work(700);
    say("killed", parent);
    if (write(pipes[1], "x", 1) != 1) _exit(94);
    for (;;) pause();
  }
  char byte;
  if (read(pipes[0], &byte, 1) != 1) _exit(93);
  kill(child, SIGKILL);
  await(child);
  close(pipes[0]);
  close(pipes[1]);
}

static volatile int stop;

static void *churn(void *argument) {
  (void)argument;
  // Not of the sizes that are counted: what the threads do in the parent is not known exactly.
  for (unsigned i = 0; !stop; i++) free(realloc(malloc(10 + i % 300), 20 + i % 700));
  return NULL;
}

// The calling thread forks while four others are anywhere in the allocator and in its hooks.
static void loaded(int count) {
  pthread_t threads[4];
  for (int i = 0; i < 4; i++) pthread_create(&threads[i], NULL, churn, NULL);
  int parent = getpid();
  for (int i = 0; i < count; i++) {
    pid_t child = fork();
    if (child == 0) {
      start();
      work(200);
      finish("under-load", parent);
    }
    await(child);
  }
  stop = 1;
  for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
}

static volatile int handled;
static volatile int wanted;

// What this interrupts may be a hook; a child that goes on with it must not hurt its parent. The
// allocator must be one that may be used in a signal handler.
static void on_alarm(int number) {
  (void)number;
  int parent = getpid();
  pid_t child = fork();
  if (child == 0) {
    start();
    if (handled % 3) work(20);
    if (handled % 3 == 1) finish("in-handler", parent);
    return;
  }
  await(child);
  handled++;
  // One more would fork after the last one was counted.
  if (handled < wanted) ualarm(200 + 37 * handled % 400, 0);
}

static void interrupted(int count) {
  int parent = getpid();
  wanted = count;
  struct sigaction action = {.sa_handler = on_alarm};
  sigaction(SIGALRM, &action, NULL);
  // Whoever started this may have blocked it.
  sigset_t alarm;
  sigemptyset(&alarm);
  sigaddset(&alarm, SIGALRM);
  sigprocmask(SIG_UNBLOCK, &alarm, NULL);
  ualarm(1000, 0);
  while (handled < count && getpid() == parent) work(20);
  // The children that came back from the handler went on where it interrupted them.
  if (getpid() != parent) {
    work(5);
    finish("returned", parent);
  }
}

static void before(const char *text) { sscanf(text, "%ld %ld", &allocations, &frees); }

int main(int argc, char **argv) {
  self = argv[0];
  const char *what = argv[1];
  if (!strcmp(what, "child")) {
    work(150);
    say(argv[2], atoi(argv[3]));
    return 0;
  }
  if (!strcmp(what, "continue")) {
    before(argv[4]);
    work(150);
    say(argv[2], atoi(argv[3]));
    return 0;
  }
  if (!strcmp(what, "chain") && argc == 5) {
    before(argv[4]);
    chain(atoi(argv[2]), argv[3]);
  }
  if (!strcmp(what, "interrupt")) base = 2002;
  work(10);
  if (!strcmp(what, "fork")) forked();
  if (!strcmp(what, "raw")) raw();
  if (!strcmp(what, "borrow")) borrowed();
  if (!strcmp(what, "exec")) executed();
  if (!strcmp(what, "clone")) cloned();
  if (!strcmp(what, "shell")) shells();
  if (!strcmp(what, "daemon")) daemonized();
  if (!strcmp(what, "killed")) killed();
  if (!strcmp(what, "load")) loaded(40);
  if (!strcmp(what, "interrupt")) interrupted(60);
  if (!strcmp(what, "chain")) {
    say("first", 0);
    int parent = getpid();
    pid_t child = fork();
    if (child == 0) {
      start();
      char number[16];
      snprintf(number, sizeof number, "%d", parent);
      chain(5, number);
    }
    await(child);
    return 0;
  }
  say("first", 0);
  return 0;
}
