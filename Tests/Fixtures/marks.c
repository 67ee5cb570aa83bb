// Marks and a pool of its own, told through lacuna.h. Also valid C++. Prints "fine" and the pool.
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "lacuna.h"

static char memory[4096];

// The functions are looked up in each file that uses them, and may be named anywhere.
void (*volatile indirect)(const char *) = lacuna_mark;

int main(int count, char **arguments) {
  int rounds = count > 1 ? atoi(arguments[1]) : 3;
  void (*find)(void) = NULL;
  char name[600];
  memset(name, 'x', sizeof name - 1);
  name[sizeof name - 1] = 0;
  errno = 77;
  indirect("start");
  for (int i = 0; i < rounds; i++) {
    lacuna_pool_alloc(memory, memory + 64 * i, 48);
    lacuna_mark("round");
    lacuna_pool_free(memory, memory + 64 * i);
  }
  lacuna_mark("");
  // The limit, 256 bytes, falls into the middle of a character of two bytes.
  memcpy(name + 255, "\303\244", 2);
  lacuna_mark(name);
  lacuna_mark(NULL);
  printf("%s %lu\n", errno == 77 && find == NULL ? "fine" : "errno has changed", (unsigned long)memory);
  return 0;
}
