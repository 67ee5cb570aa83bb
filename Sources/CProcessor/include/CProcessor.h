// Machine instructions that Swift cannot say.
#pragma once

/// Asks for the line at `place`, which will be needed soon. Never faults.
static inline void processor_prefetch(const void *place) { __builtin_prefetch(place, 1, 3); }
