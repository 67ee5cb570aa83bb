// The end of the process: the recorder looks at the finished heap.
//
// Destructors run on exit and on return from main, after those of the program and its atexit
// handlers. They do not run on _exit, quick_exit, and the end by a signal.
#include "InterposerEntry.h"
#include "real.h"

__attribute__((destructor)) static void finish(void) {
  if (*lacuna_recording) lacuna_gate(LACUNA_GATE_EXIT, 0);
}
