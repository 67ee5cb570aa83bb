// Call sites with known names: keep_small pins the pages that make_temporaries leaves behind.
#include <cstdio>
#include <cstdlib>
#include <vector>

__attribute__((noinline)) void *keep_small() {
  void *block = std::malloc(40);
  __asm__ volatile("" : : "r"(block) : "memory");
  return block;
}

__attribute__((noinline)) void make_temporaries(std::vector<char *> &blocks) {
  for (int i = 0; i < 30; i++) blocks.push_back(new char[1000]);
}

int main() {
  std::vector<void *> kept;
  std::vector<char *> temporaries;
  for (int i = 0; i < 2000; i++) {
    make_temporaries(temporaries);
    kept.push_back(keep_small());
  }
  for (char *block : temporaries) delete[] block;
  std::printf("%zu\n", kept.size());
  std::quick_exit(0);
}
