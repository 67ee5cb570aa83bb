// The system calls by which a program itself asks for address space. What libc and this library map
// for themselves does not come through here.
//
// Memory is reported as mapped after the call and as unmapped with the stamp of the moment before
// it: then no address is seen to be mapped twice, whichever thread does what. A call that fails has
// changed nothing and is not reported.
#define _GNU_SOURCE
#include "entry.h"
#include <errno.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

extern void *__sbrk(intptr_t);
extern void *__curbrk;

// ---- Until the real functions are found ---------------------------------------------------------

// What a system call returned, as libc says it.
static long checked(long result) {
  if (result >= 0 || result < -4095) return result;
  errno = (int)-result;
  return -1;
}

static void *first_mmap(void *address, size_t bytes, int protection, int flags, int file, long offset) {
  if (!lacuna_find_real())
    return (void *)checked(
        lacuna_syscall(SYS_mmap, (long)address, (long)bytes, protection, flags, file, offset));
  return lacuna_system.mmap(address, bytes, protection, flags, file, offset);
}
static int first_munmap(void *address, size_t bytes) {
  if (!lacuna_find_real())
    return (int)checked(lacuna_syscall(SYS_munmap, (long)address, (long)bytes, 0, 0, 0, 0));
  return lacuna_system.munmap(address, bytes);
}
static void *first_mremap(void *address, size_t old_bytes, size_t bytes, int flags, ...) {
  va_list more;
  va_start(more, flags);
  void *wanted = va_arg(more, void *);
  va_end(more);
  if (!lacuna_find_real())
    return (void *)checked(lacuna_syscall(SYS_mremap, (long)address, (long)old_bytes, (long)bytes,
                                          flags, (long)wanted, 0));
  return lacuna_system.mremap(address, old_bytes, bytes, flags, wanted);
}
static int first_madvise(void *address, size_t bytes, int advice) {
  if (!lacuna_find_real())
    return (int)checked(lacuna_syscall(SYS_madvise, (long)address, (long)bytes, advice, 0, 0, 0));
  return lacuna_system.madvise(address, bytes, advice);
}
static int first_brk(void *end) {
  if (lacuna_find_real()) return lacuna_system.brk(end);
  __curbrk = (void *)lacuna_syscall(SYS_brk, (long)end, 0, 0, 0, 0, 0);
  if (__curbrk >= end) return 0;
  errno = ENOMEM;
  return -1;
}
static void *first_sbrk(intptr_t bytes) {
  return lacuna_find_real() ? lacuna_system.sbrk(bytes) : __sbrk(bytes);
}

struct lacuna_system lacuna_system = {
    .mmap = first_mmap,       .munmap = first_munmap, .mremap = first_mremap,
    .madvise = first_madvise, .brk = first_brk,       .sbrk = first_sbrk,
};

// ---- Exported -----------------------------------------------------------------------------------

EXPORT void *mmap(void *address, size_t bytes, int protection, int flags, int file, off_t offset) {
  void *result = lacuna_system.mmap(address, bytes, protection, flags, file, offset);
  if (result != MAP_FAILED && recording())
    lacuna_did_system(MMAP, (uint64_t)result, bytes, lacuna_map_flags(protection, flags, 0), FRAME);
  return result;
}

// The same function: offsets have 64 bits anyway.
EXPORT void *mmap64(void *, size_t, int, int, int, off64_t) __attribute__((alias("mmap")));

EXPORT int munmap(void *address, size_t bytes) {
  if (!recording()) return lacuna_system.munmap(address, bytes);
  uint64_t before = lacuna_will_reallocate();
  int status = lacuna_system.munmap(address, bytes);
  lacuna_did_unmap((uint64_t)address, status == 0 ? bytes : 0, before);
  return status;
}

EXPORT void *mremap(void *old, size_t old_bytes, size_t bytes, int flags, ...) {
  void *wanted = NULL;
  if (flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) {
    va_list more;
    va_start(more, flags);
    wanted = va_arg(more, void *);
    va_end(more);
  }
  if (!recording()) return lacuna_system.mremap(old, old_bytes, bytes, flags, wanted);
  uint64_t before = lacuna_will_reallocate();
  void *result = lacuna_system.mremap(old, old_bytes, bytes, flags, wanted);
  uint64_t address = result == MAP_FAILED ? 0 : (uint64_t)result;
  size_t unmapped = flags & MREMAP_DONTUNMAP ? 0 : old_bytes;
  lacuna_did_remap((uint64_t)old, unmapped, address, bytes, before, FRAME);
  return result;
}

EXPORT int madvise(void *address, size_t bytes, int advice) {
  int status = lacuna_system.madvise(address, bytes, advice);
  if (status == 0 && (advice == MADV_DONTNEED || advice == MADV_FREE) && recording())
    lacuna_did_system(MADVISE, (uint64_t)address, bytes, (uint64_t)advice, NULL);
  return status;
}

EXPORT int brk(void *end) {
  int status = lacuna_system.brk(end);
  if (status == 0 && recording()) lacuna_did_system(BRK, (uint64_t)end, 0, 0, NULL);
  return status;
}

EXPORT void *sbrk(intptr_t bytes) {
  void *old = lacuna_system.sbrk(bytes);
  // sbrk(0) only asks where the end is.
  if (bytes != 0 && old != (void *)-1 && recording())
    lacuna_did_system(SBRK, (uint64_t)old + (uint64_t)bytes, 0, 0, NULL);
  return old;
}
