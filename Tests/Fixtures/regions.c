// One thread that makes every kind of request, of sizes around those of regions.
// Usage: regions ROUNDS. Prints what it makes.
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { PLACES = 3000 };
static void *place[PLACES];
static uint64_t state = 88172645463325252u;

static uint64_t draw(void) {
  state ^= state << 13;
  state ^= state >> 7;
  return state ^= state << 17;
}

static size_t some_size(void) {
  switch (draw() % 64) {
  case 0: return 100000 + draw() % 400000; // mapped on its own, or many regions long
  case 1: case 2: case 3: return 3000 + draw() % 9000;
  default: return draw() % 700;
  }
}

int main(int argc, char **argv) {
  long rounds = argc > 1 ? atol(argv[1]) : 100000;
  unsigned long blocks = 0, moves = 0;
  for (long i = 0; i < rounds; i++) {
    void **p = &place[draw() % PLACES];
    size_t size = some_size();
    switch (draw() % 8) {
    case 0: case 1: {
      void *old = *p;
      *p = realloc(old, size + 1);
      moves += old && old != *p;
      break;
    }
    case 2: free(*p); *p = calloc(1, size); break;
    case 3: free(*p); *p = memalign(16u << draw() % 10, size); break;
    case 4: free(*p); if (posix_memalign(p, 4096, size)) return 1; break;
    case 5: free(*p); *p = NULL; break;
    default: free(*p); *p = malloc(size);
    }
    blocks += *p != NULL;
  }
  char line[64];
  snprintf(line, sizeof line, "%lu %lu\n", blocks, moves);
  fputs(line, stdout);
  return 0;
}
