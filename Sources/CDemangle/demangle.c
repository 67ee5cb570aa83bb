// Declarations of the demanglers that libstdc++ and the Swift runtime export without a C header.
#include "CDemangle.h"

extern char *__cxa_demangle(const char *mangled, char *buffer, size_t *length, int *status);
extern char *swift_demangle(const char *mangled, size_t mangledLength, char *buffer,
                            size_t *bufferSize, uint32_t flags);

char *lacuna_demangle_cxx(const char *mangled) {
  int status = 0;
  return __cxa_demangle(mangled, NULL, NULL, &status);
}

char *lacuna_demangle_swift(const char *mangled, size_t length) {
  return swift_demangle(mangled, length, NULL, NULL, 0);
}
