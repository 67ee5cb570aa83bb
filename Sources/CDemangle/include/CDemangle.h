// The two demanglers that every Swift program on Linux already carries, with bounded results.
#pragma once
#include <stddef.h>
#include <stdint.h>

enum lacuna_mangling {
  /// Itanium C++ ABI, by libstdc++.
  LACUNA_MANGLING_CXX = 0,
  /// Swift, by the runtime.
  LACUNA_MANGLING_SWIFT = 1,
};

/// Demangles `mangled` (`length` bytes, and a NUL behind them) into `output`, of which at most
/// `capacity` bytes are written, without a NUL at the end.
///
/// Returns the full length of the demangled name, which may exceed `capacity`; -1 on failure.
ptrdiff_t lacuna_demangle(enum lacuna_mangling mangling, const char *mangled, size_t length,
                          char *output, size_t capacity);

/// The same, done in a child process that may use `memory_limit` more bytes and half a second: a
/// mangled name can refer back to its own parts, so a short one can expand without bound.
///
/// Returns -2 when the child exceeds its limits. The length is cut to `capacity`.
ptrdiff_t lacuna_demangle_guarded(enum lacuna_mangling mangling, const char *mangled,
                                  size_t length, char *output, size_t capacity,
                                  size_t memory_limit);
