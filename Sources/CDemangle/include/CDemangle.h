// The two demanglers that every Swift program on Linux already carries.
#pragma once
#include <stddef.h>
#include <stdint.h>

/// Demangles a C++ name (Itanium ABI, libstdc++). The result is malloc'ed; NULL on failure.
char *lacuna_demangle_cxx(const char *mangled);

/// Demangles a Swift name (the runtime's own demangler). The result is malloc'ed; NULL on failure.
char *lacuna_demangle_swift(const char *mangled, size_t length);
