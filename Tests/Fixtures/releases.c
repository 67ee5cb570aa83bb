// The rarer functions of the allocator, as programs of all ages know them.
#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

void cfree(void *);
void free_sized(void *, size_t);
void free_aligned_sized(void *, size_t, size_t);

int main(void) {
  for (int i = 0; i < 10; i++) {
    errno = 5;
    cfree(malloc(7401));
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
