// Operators of a program's own, with HEADER bytes of theirs in front of each block: in the program,
// or, with LIBRARY, in a library that it is linked with when compiled with USER. With SOME, only two
// of them.
// Prints in the manner of operators.cpp what the trace must say.
#include <cstdio>
#include <cstdlib>
#include <new>

#if !defined(USER)
static void *take(size_t size) {
  char *block = static_cast<char *>(malloc(size + HEADER));
  if (!block) throw std::bad_alloc();
  return block + HEADER;
}
static void give(void *block) {
  if (block) free(static_cast<char *>(block) - HEADER);
}
void *operator new(size_t size) { return take(size); }
void operator delete(void *block) noexcept { give(block); }
#if !defined(SOME)
void *operator new[](size_t size) { return take(size); }
void operator delete[](void *block) noexcept { give(block); }
void operator delete(void *block, size_t) noexcept { give(block); }
void operator delete[](void *block, size_t) noexcept { give(block); }
#endif
#endif

#if !defined(LIBRARY)
int main() {
  static void *volatile sink;
  for (int i = 0; i < 1000; i++) {
    sink = ::operator new(7301);
    ::operator delete(sink);
    sink = ::operator new(7302);
    ::operator delete(sink, size_t(7302));
    sink = ::operator new[](7303);
    ::operator delete[](sink);
    sink = ::operator new[](7304, std::nothrow);
    ::operator delete[](sink, size_t(7304));
  }
  // A library's operators are called through the tracer's, which know a block that is malloc's own.
#if defined(USER) && HEADER == 0
  printf("7301\toperator new\toperator delete\t1000\n"
         "7302\toperator new\toperator delete (sized)\t1000\n"
         "7303\toperator new[]\toperator delete[]\t1000\n"
         "7304\toperator new[] (nothrow)\toperator delete[] (sized)\t1000\n");
#else
  for (int size = 7301; size <= 7304; size++) printf("%d\tmalloc\tfree\t1000\n", size + HEADER);
#endif
}
#endif
