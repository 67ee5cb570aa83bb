// Every form of operator new and delete, and what happens when they fail.
//
// Usage: operators forms ROUNDS THREADS | operators failures ROUNDS
// Prints, for each size of 7000 to 7999 bytes that it asks for, what the trace must say:
// SIZE, tab, function, tab, function that releases or "none", tab, blocks.
#include <csetjmp>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <new>
#include <pthread.h>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

// Allocations of 7000 to 7999 bytes that the library behind is to refuse first.
extern "C" __attribute__((visibility("default"))) int failures;
int failures = 0;

using Key = std::tuple<size_t, std::string, std::string>;
static std::map<Key, long> expected;
static void *volatile sink;

static void expect(size_t size, const char *function, const char *release, long count) {
  if (count > 0) expected[Key(size, function, release)] += count;
}

// ---- Forms --------------------------------------------------------------------------------------

constexpr auto alignment = std::align_val_t(64);

#define FORMS(FORM)                                                                                 \
  FORM(7001, "operator new", "operator delete", (7001), (p))                                        \
  FORM(7002, "operator new", "operator delete (sized)", (7002), (p, size_t(7002)))                  \
  FORM(7003, "operator new (nothrow)", "operator delete (nothrow)", (7003, std::nothrow),           \
       (p, std::nothrow))                                                                           \
  FORM(7004, "operator new (aligned)", "operator delete (aligned)", (7004, alignment),              \
       (p, alignment))                                                                              \
  FORM(7005, "operator new (aligned)", "operator delete (sized, aligned)", (7005, alignment),       \
       (p, size_t(7005), alignment))                                                                \
  FORM(7006, "operator new (aligned)", "operator delete (aligned)", (7006, std::align_val_t(1)),    \
       (p, std::align_val_t(1)))                                                                    \
  FORM(7040, "operator new (aligned, nothrow)", "operator delete (aligned, nothrow)",               \
       (7040, alignment, std::nothrow), (p, alignment, std::nothrow))

#define ARRAY_FORMS(FORM)                                                                           \
  FORM(7011, "operator new[]", "operator delete[]", (7011), (p))                                    \
  FORM(7012, "operator new[]", "operator delete[] (sized)", (7012), (p, size_t(7012)))              \
  FORM(7013, "operator new[] (nothrow)", "operator delete[] (nothrow)", (7013, std::nothrow),       \
       (p, std::nothrow))                                                                           \
  FORM(7014, "operator new[] (aligned)", "operator delete[] (aligned)", (7014, alignment),          \
       (p, alignment))                                                                              \
  FORM(7015, "operator new[] (aligned)", "operator delete[] (sized, aligned)", (7015, alignment),   \
       (p, size_t(7015), alignment))                                                                \
  FORM(7104, "operator new[] (aligned, nothrow)", "operator delete[] (aligned, nothrow)",           \
       (7104, alignment, std::nothrow), (p, alignment, std::nothrow))

static void forms(long rounds) {
  for (long i = 0; i < rounds; i++) {
    void *p;
#define RUN(size, function, release, make, end) \
  sink = p = ::operator new make;               \
  ::operator delete end;
#define RUN_ARRAY(size, function, release, make, end) \
  sink = p = ::operator new[] make;                   \
  ::operator delete[] end;
    FORMS(RUN)
    ARRAY_FORMS(RUN_ARRAY)
    sink = p = malloc(7021);
    free(p);
    ::operator delete(nullptr);
    ::operator delete[](nullptr, size_t(5));
    ::operator delete(::operator new(0));
    ::operator delete[](::operator new[](0, alignment), alignment);
  }
}

static void run_forms(long rounds, int threads) {
  std::vector<std::thread> running;
  for (int i = 1; i < threads; i++) running.emplace_back(forms, rounds);
  forms(rounds);
  for (auto &thread : running) thread.join();
  long count = rounds * threads;
#define EXPECT(size, function, release, make, end) expect(size, function, release, count);
  FORMS(EXPECT)
  ARRAY_FORMS(EXPECT)
  expect(7021, "malloc", "free", count);
}

// ---- Failures -----------------------------------------------------------------------------------

static const size_t huge = size_t(1) << 62;
static std::jmp_buf escape;
static int handled;
static std::vector<void *> plain, arrays;

__attribute__((noinline)) static void *deeper(int depth, size_t size) {
  char room[64];
  memset(room, depth, sizeof room);
  sink = room;
  return depth > 0 ? deeper(depth - 1, size) : malloc(size);
}

// Asks for what the operator asks for, in three ways, and for something else.
static void busy() {
  handled++;
  plain.push_back(malloc(7201));
  arrays.push_back(::operator new[](7201));
  free(malloc(7202));
  sink = realloc(malloc(7203), 7204);
  free(sink);
}
static void throwing() { throw std::bad_alloc(); }
static void jumping() { longjmp(escape, 1); }
static void leaving() { pthread_exit(nullptr); }

static void *in_thread(void *) {
  failures = 1;
  sink = ::operator new(7205);
  return nullptr;
}

// Fails at each level of a recursion, and goes on below.
__attribute__((noinline)) static void descend(int levels) {
  failures = 1;
  try {
    sink = ::operator new(size_t(7220 + levels));
    abort();
  } catch (std::bad_alloc &) {
  }
  if (levels > 1) descend(levels - 1);
  sink = ::operator new(7211);
  ::operator delete(sink);
}

static void run_failures(long rounds) {
  plain.reserve(size_t(rounds));
  arrays.reserve(size_t(rounds));
  for (long i = 0; i < rounds; i++) {
    std::set_new_handler(busy);
    failures = 1;
    sink = ::operator new(7201);
    ::operator delete(sink);
    std::set_new_handler(throwing);
    failures = 1;
    try {
      sink = ::operator new[](7206);
      abort();
    } catch (std::bad_alloc &) {
    }
    sink = deeper(3, 7206);
    free(sink);
    failures = 1;
    if (::operator new(7207, std::nothrow) != nullptr) abort();
    std::set_new_handler(nullptr);
    try {
      sink = ::operator new(huge, alignment);
      abort();
    } catch (std::bad_alloc &) {
    }
    sink = ::operator new(7208);
    ::operator delete(sink, size_t(7208));
    std::set_new_handler(jumping);
    failures = 1;
    if (setjmp(escape) == 0) {
      sink = ::operator new(7209);
      abort();
    }
    failures = 0;
    free(deeper(2, 7209));
    std::set_new_handler(leaving);
    pthread_t thread;
    pthread_create(&thread, nullptr, in_thread, nullptr);
    pthread_join(thread, nullptr);
    failures = 0;
    std::set_new_handler(nullptr);
    descend(9);
  }
  for (void *block : plain) free(block);
  for (void *block : arrays) ::operator delete[](block);
  if (handled != rounds) abort();
  expect(7201, "operator new", "operator delete", rounds);
  expect(7201, "malloc", "free", rounds);
  expect(7201, "operator new[]", "operator delete[]", rounds);
  expect(7202, "malloc", "free", rounds);
  expect(7204, "realloc", "free", rounds);
  expect(7206, "malloc", "free", rounds);
  expect(7208, "operator new", "operator delete (sized)", rounds);
  expect(7209, "malloc", "free", rounds);
  expect(7211, "operator new", "operator delete", 9 * rounds);
}

// ---- Both as a program and as a plugin of one ---------------------------------------------------

extern "C" __attribute__((visibility("default"))) int run(int count, char **arguments);
int run(int count, char **arguments) {
  long rounds = count > 2 ? atol(arguments[2]) : 1;
  expected.clear();
  if (count > 1 && strcmp(arguments[1], "failures") == 0)
    run_failures(rounds);
  else
    run_forms(rounds, count > 3 ? atoi(arguments[3]) : 1);
  for (auto &entry : expected)
    printf("%zu\t%s\t%s\t%ld\n", std::get<0>(entry.first), std::get<1>(entry.first).c_str(),
           std::get<2>(entry.first).c_str(), entry.second);
  fflush(stdout);
  return 0;
}

#ifndef PLUGIN
int main(int count, char **arguments) { return run(count, arguments); }
#endif
