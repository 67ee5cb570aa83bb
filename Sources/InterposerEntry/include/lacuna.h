/* What a program may tell Lacuna about itself.
 *
 * Include this header, in C or C++, and call its functions wherever you like. There is nothing to
 * link: the functions look for Lacuna in the running process, once, and do nothing where it is not.
 * Then a call costs a load and a branch. The header needs gcc or clang on Linux.
 *
 *   lacuna_mark("level loaded");
 *
 *   void *piece = pool_take(pool, size);
 *   lacuna_pool_alloc(pool, piece, size);
 *   ...
 *   lacuna_pool_free(pool, piece);
 *   pool_give_back(pool, piece);
 */
#ifndef LACUNA_H
#define LACUNA_H

#include <stddef.h>
#include <stdlib.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Where the functions are. dlsym is weak, so that a static program, which has none, can be linked;
 * it has a name of its own here, so that your declaration of it stays as it is. */
extern void *lacuna_find_symbol_(void *handle, const char *name) __asm__("dlsym")
    __attribute__((__weak__));

#define LACUNA_API_ static __inline__ __attribute__((__unused__))

/* The function of that name, or a null pointer. `place` remembers: 0 is unasked, 1 is absent. */
LACUNA_API_ void *lacuna_function_(void **place, const char *name) {
  void *function = __atomic_load_n(place, __ATOMIC_RELAXED);
  if (__builtin_expect(function == (void *)0, 0)) {
    /* Recorded programs have this variable. Others are spared the search. */
    if (getenv("LACUNA_SEGMENT") && lacuna_find_symbol_)
      function = lacuna_find_symbol_((void *)0, name);
    if (!function) function = (void *)1;
    __atomic_store_n(place, function, __ATOMIC_RELAXED);
  }
  return function == (void *)1 ? (void *)0 : function;
}

/* Names this moment. Lacuna shows it in reports, and can take a snapshot of the heap here.
 *
 * `name` is UTF-8; 256 bytes of it are kept. */
LACUNA_API_ void lacuna_mark(const char *name) {
  static void *place;
  void *function = lacuna_function_(&place, "lacuna_mark");
  if (function) (__extension__(void (*)(const char *))function)(name);
}

/* Says that a pool of yours has handed out `size` bytes at `block`.
 *
 * `pool` is any address that stands for the pool and for no other, such as that of its control
 * block. Call this after the block was taken from the pool. The pool's own memory is recorded as
 * that of any other part of the program: the pieces are shown inside it. */
LACUNA_API_ void lacuna_pool_alloc(const void *pool, const void *block, size_t size) {
  static void *place;
  void *function = lacuna_function_(&place, "lacuna_pool_alloc");
  if (function) (__extension__(void (*)(const void *, const void *, size_t))function)(pool, block, size);
}

/* Says that a pool of yours takes back what it handed out at `block`.
 *
 * Call this before the pool can hand the block out again. */
LACUNA_API_ void lacuna_pool_free(const void *pool, const void *block) {
  static void *place;
  void *function = lacuna_function_(&place, "lacuna_pool_free");
  if (function) (__extension__(void (*)(const void *, const void *))function)(pool, block);
}

#ifdef __cplusplus
}
#endif
#endif
