// What a recorder that attaches to a running process hands to the library that it loads there.
#pragma once
#include <stdint.h>

/// One of the process's functions: the address of its name and its own.
struct lacuna_named_function {
  uint64_t name, address;
};

/// The argument of `lacuna_attach`.
struct lacuna_attachment {
  uint32_t version;    // LACUNA_ABI_VERSION of the recorder
  int32_t descriptor;  // of the segment, in the process
  uint64_t functions;  // address of an array of lacuna_named_function
  uint64_t count;      // 0 where the loader has bound the library's functions itself
  uint64_t break_start;
  uint64_t recording;  // filled in: address of the byte that is 1 while the process records
  uint64_t segment;    // filled in: where the segment is mapped
};
