// Exceptions through frames that own blocks, in several threads. Usage: exceptions THROWS.
// Prints how many blocks of 901 bytes were allocated, and that many were freed.
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <memory>
#include <new>
#include <stdexcept>
#include <thread>
#include <vector>

static std::atomic<unsigned long> blocks;

struct Block {
  void *memory = std::malloc(901);
  Block() { blocks++; }
  ~Block() { std::free(memory); }
};

__attribute__((noinline)) static void fall(int depth) {
  Block mine;
  if (depth == 0) throw std::runtime_error("a message too long to be kept in the string itself");
  try {
    fall(depth - 1);
  } catch (std::logic_error &) {
    std::abort();
  }
}

__attribute__((noinline)) static void rethrow(int depth) {
  try {
    fall(depth);
  } catch (...) {
    Block another;
    throw;
  }
}

static void work(int throws) {
  for (int i = 0; i < throws; i++) {
    try {
      rethrow(i % 40);
      std::abort();
    } catch (std::exception &) {
    }
    try {
      volatile std::size_t huge = std::numeric_limits<std::ptrdiff_t>::max() - 64;
      std::unique_ptr<char[]> none(new char[huge]);
      std::abort();
    } catch (std::bad_alloc &) {
    }
  }
}

int main(int argc, char **argv) {
  int throws = argc > 1 ? std::atoi(argv[1]) : 1000;
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; i++) threads.emplace_back(work, throws);
  work(throws);
  for (auto &thread : threads) thread.join();
  std::printf("%lu\n", blocks.load());
}
