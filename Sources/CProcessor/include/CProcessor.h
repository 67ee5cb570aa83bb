// What Swift cannot say of the processor: machine instructions, and how many it may use.
#pragma once

/// Asks for the line at `place`, which will be needed soon. Never faults.
static inline void processor_prefetch(const void *place) { __builtin_prefetch(place, 1, 3); }

/// Processors that the calling thread may run on; at least one.
int processor_count(void);
