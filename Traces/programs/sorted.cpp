// Sorts its arguments: small, but with all that the headers of the standard library bring.
#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>
int main(int count, char **words) {
  std::vector<std::string> all(words, words + count);
  std::sort(all.begin(), all.end());
  for (const auto &word : all) std::puts(word.c_str());
}
