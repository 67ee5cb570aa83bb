// Where the processes of a family meet their recorder: each asks here for a segment of its own.
//
// A small memfd of the recorder's that all of them map. A process takes a slot, fills it in, says
// that it asks, and sleeps until the recorder has answered with one of its own descriptors.
#pragma once
#include <stdint.h>

#define LACUNA_LOBBY_MAGIC 0x314f4c4143414cull /* "LACALO1" */

enum {
  LACUNA_LOBBY_BYTES = 8192,
  LACUNA_JOIN_SLOTS = 64,
};

/// Phases of a slot whose owner is not 0. No small numbers, which stray stores would hit.
enum {
  LACUNA_JOIN_ASKED = 0x4b534121,
  LACUNA_JOIN_ANSWERED = 0x53594121,
};

enum {
  LACUNA_JOIN_FORK = 1, // a forked child that goes on with its parent's memory
  LACUNA_JOIN_EXEC = 2, // a program that was started, in a new process or an old one
};

struct lacuna_join {
  uint32_t owner;         // pid of the process that has the slot; 0: free
  uint32_t phase;         // also the word on which the owner sleeps
  uint32_t kind;
  int32_t ancestor;       // pid of the recorded process that handed its memory or environment down
  int32_t parent;         // pid of the process's parent
  int32_t answer;         // the recorder's descriptor of the segment; negative: none
  uint8_t pad[40];
};

struct lacuna_lobby {
  uint64_t magic;
  uint32_t version;       // LACUNA_ABI_VERSION
  int32_t recorder_pid;
  uint32_t closed;        // the recorder answers no more
  uint32_t bell;          // counts what was asked; the recorder sleeps on it
  uint32_t refused;       // processes that got no segment, or could not use theirs
  uint8_t pad[36];
  struct lacuna_join slots[LACUNA_JOIN_SLOTS];
};

_Static_assert(sizeof(struct lacuna_lobby) <= LACUNA_LOBBY_BYTES, "the lobby is mapped whole");

static inline struct lacuna_join *lacuna_slot(struct lacuna_lobby *lobby, int index) {
  return &lobby->slots[index];
}
