// The definitions behind ours that dlsym cannot be asked for: where it finds nothing it allocates,
// and leaves an error behind.
#pragma once
#include <stdint.h>

enum {
  // Not known yet, or not to be recorded because the program has operators of its own.
  LACUNA_NEXT_SILENT = 0,
  // Passes the request on to the functions of an allocator: those record it in the operator's name.
  LACUNA_NEXT_WRAPPER = 1,
  // Belongs to the allocator that stands behind malloc, and hands its blocks out itself.
  LACUNA_NEXT_ALLOCATOR = 2,
};

struct lacuna_next {
  void *function;
  uint32_t mode;
};

/// The next definitions of the operators and of the rarer functions that release, by entry point.
enum { LACUNA_NEXT_COUNT = 48 };
extern struct lacuna_next lacuna_nexts[LACUNA_NEXT_COUNT];

/// Looks through the objects that are loaded when recording starts.
void lacuna_find_operators(void);

/// Looks in the caller's object and then in everything else that is loaded now. What it finds in
/// the caller's object holds for this caller alone.
struct lacuna_next lacuna_find_next(uint32_t entry, const void *caller);
