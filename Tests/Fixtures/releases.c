// The rarer functions of the allocator, as programs of all ages know them.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

// As a program names it that was linked when headers still declared it.
void old_cfree(void *);
__asm__(".symver old_cfree,cfree@GLIBC_2.2.5");

int main(void) {
  // glibc before 2.43 has no such functions, so that no program can be linked with them.
  void (*free_sized)(void *, size_t);
  void (*free_aligned_sized)(void *, size_t, size_t);
  *(void **)&free_sized = dlsym(RTLD_DEFAULT, "free_sized");
  *(void **)&free_aligned_sized = dlsym(RTLD_DEFAULT, "free_aligned_sized");
  for (int i = 0; i < 10; i++) {
    errno = 5;
    old_cfree(malloc(7401));
    free_sized(malloc(7402), 7402);
    free_aligned_sized(aligned_alloc(64, 7424), 64, 7424);
    free_sized(NULL, 3);
    free(malloc(7403));
    if (errno != 5) return 1;
  }
  if (mallopt(M_MMAP_THRESHOLD, 1 << 20) != 1) return 2;
  void *large = malloc(1000000);
  void *top = malloc(100000);
  free(top);
  free(large);
  malloc_trim(4096);
  printf("7401\tmalloc\tcfree\t10\n7402\tmalloc\tfree_sized\t10\n"
         "7424\taligned_alloc\tfree_aligned_sized\t10\n7403\tmalloc\tfree\t10\n");
}
