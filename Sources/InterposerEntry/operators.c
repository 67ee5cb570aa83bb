// The operators new and delete of C++, in all their forms, under their mangled names: this library
// needs no C++ library.
//
// An operator passes the request on to the next definition. Most definitions call malloc or free,
// and these record the block, in the operator's name: its entry point, its caller's stack, the bytes
// that were asked of it. What an allocator's own operators do without calling anyone is recorded
// here. So each block is recorded once, and whatever else a definition or its handler of failures
// asks of the allocator stands for itself.
#include "entry.h"
#include "next.h"
#include <stdlib.h>

__thread struct lacuna_operators lacuna_operators_block
    __attribute__((tls_model("initial-exec"), visibility("hidden")));

#define INLINE static inline __attribute__((always_inline))
#define RARE __attribute__((noinline, cold))
#define TAIL_CALL __attribute__((musttail)) return
// Keeps the compiler's order where a signal handler may look.
#define ORDER __asm__ volatile("" ::: "memory")

// ---- What is under way --------------------------------------------------------------------------

// What an operator has to put back when it ends.
struct opened {
  uint32_t count, open;
};

// An exception that leaves an operator ends it. The unwinder calls this for the frame of each
// exported operator; such a frame exists only while the operator is open, since all other calls are
// tail calls.
__attribute__((visibility("hidden"), used)) int
lacuna_left_by_exception(int version, int actions, uint64_t class, void *exception, void *context) {
  (void)version, (void)class, (void)exception, (void)context;
  const int cleanup_phase = 2, continue_unwinding = 8;
  struct lacuna_operators *all = &lacuna_operators_block;
  if (actions & cleanup_phase && all->count > 0) {
    all->count--;
    lacuna_current_thread()->is_operator_open = 0;
  }
  return continue_unwinding;
}
#define ENDS_WITH_EXCEPTION __asm__ volatile(".cfi_personality 0x1b, lacuna_left_by_exception")

INLINE int is_open(void) { return lacuna_current_thread()->is_operator_open != 0; }

// The operator that is under way, or null.
INLINE struct lacuna_operator *open_operator(const void *frame) {
  struct lacuna_operators *all = &lacuna_operators_block;
  // A handler that left with longjmp has left the operator open. Callees lie further down.
  while (all->count > 0 && (uintptr_t)all->stack[all->count - 1].frame <= (uintptr_t)frame) {
    all->count--;
    lacuna_current_thread()->is_operator_open = 0;
  }
  return all->count > 0 ? &all->stack[all->count - 1] : NULL;
}

// False where operators are nested too deep.
INLINE int can_open(void) { return lacuna_operators_block.count < LACUNA_OPERATOR_DEPTH; }

INLINE struct opened open_as(struct lacuna_operator operator, int is_first) {
  struct lacuna_operators *all = &lacuna_operators_block;
  struct lacuna_thread *thread = lacuna_current_thread();
  struct opened opened = {0, 0};
  if (!is_first) opened = (struct opened){all->count, thread->is_operator_open};
  all->count = opened.count + 1;
  ORDER;
  all->stack[opened.count] = operator;
  ORDER;
  thread->is_operator_open = 1;
  return opened;
}

INLINE void end(struct opened opened) {
  struct lacuna_thread *thread = lacuna_current_thread();
  thread->is_operator_open = opened.open;
  ORDER;
  lacuna_operators_block.count = opened.count;
}

#define NOBODY ((struct lacuna_operator *)0)

// The definition that a call is meant for; `plain` where there is none.
INLINE struct lacuna_next next_of(uint32_t entry, const void *caller, void *plain) {
  struct lacuna_next next = lacuna_nexts[entry];
  if (!next.mode) next = lacuna_find_next(entry, caller);
  return next.function ? next : (struct lacuna_next){plain, LACUNA_NEXT_WRAPPER};
}

// ---- New ----------------------------------------------------------------------------------------

// Whether an operator new is part of one that is under way, and not called by the handler of it.
INLINE int continues(const struct lacuna_operator *outer, size_t size, uint32_t shift,
                     const void *frame) {
  return outer && is_open() && !outer->is_release && outer->size == size && outer->shift == shift &&
         (!outer->failed_frame || (uintptr_t)frame > (uintptr_t)outer->failed_frame);
}

// An allocator's own operator answers for the one that passed the request on to it.
INLINE void take_over(struct lacuna_operator *operator, const struct lacuna_operator *outer) {
  *operator = *outer;
}

// After the next definition has answered.
INLINE void *answered(void *block, struct lacuna_operator operator, struct opened opened,
                      uint32_t mode) {
  uint64_t recorded = lacuna_operators_block.stack[opened.count].block;
  end(opened);
  if (mode == LACUNA_NEXT_ALLOCATOR && block && (uint64_t)block != recorded && counts(block) &&
      recording())
    lacuna_did_allocate(block, operator.size, lacuna_real.malloc_usable_size(block), operator.entry,
                        operator.shift, operator.frame);
  return block;
}

// For callers that can do without C++, since they found no definition but ours.
static void *plain_new(size_t size, size_t alignment, int may_fail) {
  if (size == 0) size = 1;
  size_t mask = alignment < sizeof(void *) ? sizeof(void *) - 1 : alignment - 1;
  void *block = alignment ? aligned_alloc(mask + 1, (size + mask) & ~mask) : malloc(size);
  if (!block && !may_fail) abort();
  return block;
}

// Of an aligned form, whose entry points are beyond 15; `alignment` is the constant 0 in others.
#define SHIFT(alignment) ((alignment) ? shift_of(alignment) | LACUNA_LONG_FORM : 0)

// `outer` is null where no operator is under way.
#define NEW_BODY(name, number, alignment, outer, arguments)                                        \
  name##_function function = (name##_function)next.function;                                       \
  if (__builtin_expect(!next.mode || !recording(), 0)) TAIL_CALL function arguments;               \
  const void *frame = FRAME;                                                                       \
  int is_part = continues(outer, size, SHIFT(alignment), frame);                                \
  if (is_part && next.mode == LACUNA_NEXT_WRAPPER) TAIL_CALL function arguments;                   \
  if (outer && !can_open()) {                                                                      \
    if (next.mode == LACUNA_NEXT_ALLOCATOR) lacuna_did_lose();                                     \
    TAIL_CALL function arguments;                                                                  \
  }                                                                                                \
  struct lacuna_operator operator = {                                                              \
      .frame = frame, .size = size, .entry = number, .shift = SHIFT(alignment)};                \
  if (is_part) take_over(&operator, outer);                                                        \
  else lacuna_fetch_walk(frame);                                                                   \
  struct opened opened = open_as(operator, !outer);                                                \
  if (is_part) opened.open = 0;                                                                    \
  return answered(function arguments, operator, opened, next.mode)

#define OPERATOR_NEW(name, symbol, number, alignment, may_fail, parameters, arguments)             \
  EXPORT void *name parameters __asm__(symbol);                                                    \
  typedef void *(*name##_function) parameters;                                                     \
  static void *name##_plainly parameters { return plain_new(size, alignment, may_fail); }          \
  RARE static void *name##_rarely parameters {                                                     \
    ENDS_WITH_EXCEPTION;                                                                           \
    struct lacuna_next next = next_of(number, __builtin_return_address(0), name##_plainly);        \
    struct lacuna_operator *outer = open_operator(FRAME);                                          \
    NEW_BODY(name, number, alignment, outer, arguments);                                           \
  }                                                                                                \
  void *name parameters {                                                                          \
    ENDS_WITH_EXCEPTION;                                                                           \
    struct lacuna_next next = lacuna_nexts[number];                                                \
    if (__builtin_expect(!next.mode || lacuna_operators_block.count, 0))                           \
      TAIL_CALL name##_rarely arguments;                                                           \
    NEW_BODY(name, number, alignment, NOBODY, arguments);                                          \
  }

#define SIZE (size_t size)
#define SIZE_NOTHROW (size_t size, const void *nothrow)
#define SIZE_ALIGNED (size_t size, size_t alignment)
#define SIZE_ALIGNED_NOTHROW (size_t size, size_t alignment, const void *nothrow)

OPERATOR_NEW(new_plain, "_Znwm", NEW, 0, 0, SIZE, (size))
OPERATOR_NEW(new_array, "_Znam", NEW_ARRAY, 0, 0, SIZE, (size))
OPERATOR_NEW(new_nothrow, "_ZnwmRKSt9nothrow_t", NEW_NOTHROW, 0, 1, SIZE_NOTHROW, (size, nothrow))
OPERATOR_NEW(new_array_nothrow, "_ZnamRKSt9nothrow_t", NEW_ARRAY_NOTHROW, 0, 1, SIZE_NOTHROW,
             (size, nothrow))
OPERATOR_NEW(new_aligned, "_ZnwmSt11align_val_t", NEW_ALIGNED, alignment, 0, SIZE_ALIGNED,
             (size, alignment))
OPERATOR_NEW(new_array_aligned, "_ZnamSt11align_val_t", NEW_ARRAY_ALIGNED, alignment, 0,
             SIZE_ALIGNED, (size, alignment))
OPERATOR_NEW(new_aligned_nothrow, "_ZnwmSt11align_val_tRKSt9nothrow_t", NEW_ALIGNED_NOTHROW,
             alignment, 1, SIZE_ALIGNED_NOTHROW, (size, alignment, nothrow))
OPERATOR_NEW(new_array_aligned_nothrow, "_ZnamSt11align_val_tRKSt9nothrow_t",
             NEW_ARRAY_ALIGNED_NOTHROW, alignment, 1, SIZE_ALIGNED_NOTHROW,
             (size, alignment, nothrow))

// ---- Delete, and the rarer relatives of free ----------------------------------------------------

// What a release returns is nobody's business, but is passed on.
#define RELEASE_BODY(name, number, outer, arguments)                                                \
  name##_function function = (name##_function)next.function;                                       \
  if (__builtin_expect(!next.mode || !block || !recording(), 0)) TAIL_CALL function arguments;     \
  const void *frame = FRAME;                                                                       \
  int is_part = outer && is_open() && outer->is_release && outer->block == block;                  \
  if (is_part && next.mode == LACUNA_NEXT_WRAPPER) TAIL_CALL function arguments;                   \
  uint32_t entry = is_part ? outer->entry : number;                                                \
  if (next.mode == LACUNA_NEXT_ALLOCATOR && entry) {                                               \
    if (counts((const void *)block)) lacuna_will_release((void *)block, entry);                    \
    entry = 0;                                                                                     \
    if (is_part) outer->entry = 0;                                                                 \
  }                                                                                                \
  if (outer && !can_open()) TAIL_CALL function arguments;                                          \
  struct opened opened = open_as(                                                                  \
      (struct lacuna_operator){.frame = frame, .block = block, .entry = entry, .is_release = 1},   \
      !outer);                                                                                     \
  uintptr_t result = function arguments;                                                           \
  end(opened);                                                                                     \
  return result

#define RELEASE(name, symbol, number, parameters, arguments)                                       \
  EXPORT uintptr_t name parameters __asm__(symbol);                                                \
  typedef uintptr_t(*name##_function) parameters;                                                  \
  static uintptr_t name##_plainly parameters {                                                     \
    free((void *)block);                                                                           \
    return 0;                                                                                      \
  }                                                                                                \
  RARE static uintptr_t name##_rarely parameters {                                                 \
    ENDS_WITH_EXCEPTION;                                                                           \
    struct lacuna_next next = next_of(number, __builtin_return_address(0), name##_plainly);        \
    struct lacuna_operator *outer = open_operator(FRAME);                                          \
    RELEASE_BODY(name, number, outer, arguments);                                                  \
  }                                                                                                \
  uintptr_t name parameters {                                                                      \
    ENDS_WITH_EXCEPTION;                                                                           \
    struct lacuna_next next = lacuna_nexts[number];                                                \
    if (__builtin_expect(!next.mode || lacuna_operators_block.count, 0))                           \
      TAIL_CALL name##_rarely arguments;                                                           \
    RELEASE_BODY(name, number, NOBODY, arguments);                                                 \
  }

#define BLOCK (uintptr_t block)
#define BLOCK_SIZE (uintptr_t block, size_t size)
#define BLOCK_ALIGNED (uintptr_t block, size_t alignment)
#define BLOCK_SIZE_ALIGNED (uintptr_t block, size_t size, size_t alignment)
#define BLOCK_NOTHROW (uintptr_t block, const void *nothrow)
#define BLOCK_ALIGNED_NOTHROW (uintptr_t block, size_t alignment, const void *nothrow)

RELEASE(delete_plain, "_ZdlPv", DELETE, BLOCK, (block))
RELEASE(delete_array, "_ZdaPv", DELETE_ARRAY, BLOCK, (block))
RELEASE(delete_sized, "_ZdlPvm", DELETE_SIZED, BLOCK_SIZE, (block, size))
RELEASE(delete_array_sized, "_ZdaPvm", DELETE_ARRAY_SIZED, BLOCK_SIZE, (block, size))
RELEASE(delete_aligned, "_ZdlPvSt11align_val_t", DELETE_ALIGNED, BLOCK_ALIGNED, (block, alignment))
RELEASE(delete_array_aligned, "_ZdaPvSt11align_val_t", DELETE_ARRAY_ALIGNED, BLOCK_ALIGNED,
        (block, alignment))
RELEASE(delete_sized_aligned, "_ZdlPvmSt11align_val_t", DELETE_SIZED_ALIGNED, BLOCK_SIZE_ALIGNED,
        (block, size, alignment))
RELEASE(delete_array_sized_aligned, "_ZdaPvmSt11align_val_t", DELETE_ARRAY_SIZED_ALIGNED,
        BLOCK_SIZE_ALIGNED, (block, size, alignment))
RELEASE(delete_nothrow, "_ZdlPvRKSt9nothrow_t", DELETE_NOTHROW, BLOCK_NOTHROW, (block, nothrow))
RELEASE(delete_array_nothrow, "_ZdaPvRKSt9nothrow_t", DELETE_ARRAY_NOTHROW, BLOCK_NOTHROW,
        (block, nothrow))
RELEASE(delete_aligned_nothrow, "_ZdlPvSt11align_val_tRKSt9nothrow_t", DELETE_ALIGNED_NOTHROW,
        BLOCK_ALIGNED_NOTHROW, (block, alignment, nothrow))
RELEASE(delete_array_aligned_nothrow, "_ZdaPvSt11align_val_tRKSt9nothrow_t",
        DELETE_ARRAY_ALIGNED_NOTHROW, BLOCK_ALIGNED_NOTHROW, (block, alignment, nothrow))

// A library may use one of these names for something of its own, and finds ours in front of it:
// all arguments that could stand in registers are passed on to the definition that it means. Where
// there is none, they are what C23 and old C libraries make of them: free.
#define ANYTHING                                                                                   \
  (uintptr_t block, uintptr_t b, uintptr_t c, uintptr_t d, uintptr_t e, uintptr_t f)

RELEASE(release_cfree, "cfree", CFREE, ANYTHING, (block, b, c, d, e, f))
RELEASE(release_sized, "free_sized", FREE_SIZED, ANYTHING, (block, b, c, d, e, f))
RELEASE(release_aligned_sized, "free_aligned_sized", FREE_ALIGNED_SIZED, ANYTHING,
        (block, b, c, d, e, f))
