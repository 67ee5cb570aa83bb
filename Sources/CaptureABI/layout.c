// The two halves of capture must agree on the layout to the byte.
#include "CaptureABI.h"
#include <stddef.h>

_Static_assert(sizeof(struct lacuna_header) <= 4096, "the header fills at most its page");
_Static_assert(sizeof(struct lacuna_ring_control) == 128, "two cache lines");
_Static_assert(offsetof(struct lacuna_ring_control, thread_pointer) % 8 == 0, "no hidden padding");
_Static_assert(offsetof(struct lacuna_ring_control, tail) == 64, "the recorder's own line");
_Static_assert(sizeof(struct lacuna_module) == 496, "no hidden padding");
_Static_assert(sizeof(struct lacuna_node) == 16, "four to a cache line");
_Static_assert(LACUNA_NODE_CAPACITY <= 1 << LACUNA_NODE_BITS, "node ids fit their field");
