// Finds the definitions behind ours of functions that a program may well not have.
//
// The tables of symbols are read in place (System V ABI, "Dynamic Linking", and the GNU hash table),
// in the order in which the loader would look.
#define _GNU_SOURCE
#include "next.h"
#include "entry.h"
#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <string.h>

struct lacuna_next lacuna_nexts[LACUNA_NEXT_COUNT];

// Whether an object in front of ours defines an operator: then ours see only part of the program's
// requests, and what its own operators call tells the rest.
static int program_has_operators;

static const char *const names[LACUNA_NEXT_COUNT] = {
    [NEW] = "_Znwm",
    [NEW_ARRAY] = "_Znam",
    [NEW_NOTHROW] = "_ZnwmRKSt9nothrow_t",
    [NEW_ARRAY_NOTHROW] = "_ZnamRKSt9nothrow_t",
    [NEW_ALIGNED] = "_ZnwmSt11align_val_t",
    [NEW_ARRAY_ALIGNED] = "_ZnamSt11align_val_t",
    [NEW_ALIGNED_NOTHROW] = "_ZnwmSt11align_val_tRKSt9nothrow_t",
    [NEW_ARRAY_ALIGNED_NOTHROW] = "_ZnamSt11align_val_tRKSt9nothrow_t",
    [CFREE] = "cfree",
    [FREE_SIZED] = "free_sized",
    [FREE_ALIGNED_SIZED] = "free_aligned_sized",
    [DELETE] = "_ZdlPv",
    [DELETE_ARRAY] = "_ZdaPv",
    [DELETE_SIZED] = "_ZdlPvm",
    [DELETE_ARRAY_SIZED] = "_ZdaPvm",
    [DELETE_ALIGNED] = "_ZdlPvSt11align_val_t",
    [DELETE_ARRAY_ALIGNED] = "_ZdaPvSt11align_val_t",
    [DELETE_SIZED_ALIGNED] = "_ZdlPvmSt11align_val_t",
    [DELETE_ARRAY_SIZED_ALIGNED] = "_ZdaPvmSt11align_val_t",
    [DELETE_NOTHROW] = "_ZdlPvRKSt9nothrow_t",
    [DELETE_ARRAY_NOTHROW] = "_ZdaPvRKSt9nothrow_t",
    [DELETE_ALIGNED_NOTHROW] = "_ZdlPvSt11align_val_tRKSt9nothrow_t",
    [DELETE_ARRAY_ALIGNED_NOTHROW] = "_ZdaPvSt11align_val_tRKSt9nothrow_t",
};

static int is_operator(uint32_t entry) { return entry < FREE || entry >= DELETE; }

// ---- One object ---------------------------------------------------------------------------------

struct object {
  uintptr_t bias;
  const ElfW(Dyn) *dynamic;
};

extern ElfW(Dyn) _DYNAMIC[] __attribute__((visibility("hidden")));

// The object that contains an address.
static struct object object_at(const void *address) {
  struct dl_find_object found;
  if (_dl_find_object((void *)address, &found) != 0 || !found.dlfo_link_map) return (struct object){0};
  return (struct object){found.dlfo_link_map->l_addr, found.dlfo_link_map->l_ld};
}

// The loader adds the bias to the pointers of a dynamic section, unless that cannot be written.
static const void *part(struct object object, ElfW(Addr) pointer) {
  return (const void *)(pointer < object.bias ? pointer + object.bias : pointer);
}

static uint32_t first_with_hash(const uint32_t *table, uint32_t hash) {
  uint32_t buckets = table[0], bloom_words = table[2];
  const ElfW(Addr) *bloom = (const void *)(table + 4);
  ElfW(Addr) word = bloom[hash / 64 % bloom_words];
  if (!(word >> hash % 64 & word >> (hash >> table[3]) % 64 & 1)) return 0;
  return ((const uint32_t *)(bloom + bloom_words))[hash % buckets];
}

static const ElfW(Sym) *find_symbol(struct object object, const char *name) {
  const uint32_t *table = NULL;
  const ElfW(Sym) *symbols = NULL;
  const char *strings = NULL;
  for (const ElfW(Dyn) *entry = object.dynamic; entry && entry->d_tag != DT_NULL; entry++) {
    if (entry->d_tag == DT_GNU_HASH) table = part(object, entry->d_un.d_ptr);
    if (entry->d_tag == DT_SYMTAB) symbols = part(object, entry->d_un.d_ptr);
    if (entry->d_tag == DT_STRTAB) strings = part(object, entry->d_un.d_ptr);
  }
  if (!table || !symbols || !strings || table[0] == 0 || table[2] == 0) return NULL;
  uint32_t hash = 5381;
  for (const char *c = name; *c; c++) hash = hash * 33 + (unsigned char)*c;
  uint32_t index = first_with_hash(table, hash);
  if (index < table[1]) return NULL;
  const uint32_t *chain = table + 4 + table[2] * 2 + table[0];
  for (;; index++) {
    uint32_t value = chain[index - table[1]];
    const ElfW(Sym) *symbol = &symbols[index];
    if ((value | 1) == (hash | 1) && symbol->st_shndx != SHN_UNDEF && symbol->st_value != 0 &&
        strcmp(strings + symbol->st_name, name) == 0)
      return symbol;
    if (value & 1) return NULL;
  }
}

static void *definition(struct object object, const char *name) {
  const ElfW(Sym) *symbol = find_symbol(object, name);
  if (!symbol) return NULL;
  void *address = (void *)(object.bias + symbol->st_value);
  if (ELF64_ST_TYPE(symbol->st_info) == STT_GNU_IFUNC) return ((void *(*)(void))address)();
  return address;
}

// ---- All objects --------------------------------------------------------------------------------

// What was found in objects that were loaded later, such as the C++ library of a plugin.
static struct lacuna_next later[LACUNA_NEXT_COUNT];

struct search {
  struct object allocator, libc;
  struct lacuna_next *results;
  uint32_t wanted;        // one entry point, or 0 for all
  int is_behind;          // the objects that follow come behind ours
  const char *found_name; // of the object in which something was found last
};

extern void *__libc_malloc(size_t);

static uint32_t mode_of(uint32_t entry, struct object object) {
  if (program_has_operators && is_operator(entry)) return LACUNA_NEXT_SILENT;
  // cfree is glibc's free itself, whoever else stands in front of that.
  int belongs = object.dynamic == object_at((const void *)lacuna_real.malloc).dynamic ||
                object.dynamic == object_at((const void *)__libc_malloc).dynamic;
  return belongs ? LACUNA_NEXT_ALLOCATOR : LACUNA_NEXT_WRAPPER;
}

static struct object object_of(const struct dl_phdr_info *info) {
  struct object object = {info->dlpi_addr, NULL};
  for (int i = 0; i < info->dlpi_phnum; i++)
    if (info->dlpi_phdr[i].p_type == PT_DYNAMIC)
      object.dynamic = (const void *)(info->dlpi_addr + info->dlpi_phdr[i].p_vaddr);
  return object;
}

static int look_into(struct dl_phdr_info *info, size_t size, void *context) {
  (void)size;
  struct search *search = context;
  struct object object = object_of(info);
  if (object.dynamic == _DYNAMIC) search->is_behind = 1;
  if (object.dynamic == _DYNAMIC || !object.dynamic) return 0;
  for (uint32_t entry = 0; entry < LACUNA_NEXT_COUNT; entry++) {
    if (!names[entry] || (search->wanted && search->wanted != entry)) continue;
    struct lacuna_next *next = &search->results[entry];
    if (next->function) continue;
    void *function = definition(object, names[entry]);
    if (!function) continue;
    if (!search->is_behind) {
      if (is_operator(entry)) program_has_operators = 1;
      continue;
    }
    search->found_name = info->dlpi_name;
    next->mode = mode_of(entry, object);
    __atomic_store_n(&next->function, function, __ATOMIC_RELEASE);
  }
  return 0;
}

// Whether the allocator comes before ours: then ours was loaded into a running process, and all
// other objects come behind it in the sense that matters.
static int met_allocator(struct dl_phdr_info *info, size_t size, void *context) {
  (void)size;
  struct object object = object_of(info);
  if (object.dynamic == _DYNAMIC) return 1;
  int *met = context;
  *met = object.dynamic == object_at((const void *)lacuna_real.malloc).dynamic;
  return *met;
}

static struct search new_search(struct lacuna_next *results, uint32_t wanted) {
  struct search search = {.results = results, .wanted = wanted};
  dl_iterate_phdr(met_allocator, &search.is_behind);
  return search;
}

void lacuna_find_operators(void) {
  struct search search = new_search(lacuna_nexts, 0);
  dl_iterate_phdr(look_into, &search);
}

struct lacuna_next lacuna_find_next(uint32_t entry, const void *caller) {
  int saved = errno;
  lacuna_find_real();
  struct lacuna_next next = lacuna_nexts[entry];
  if (!next.function) {
    // A library that only its user sees finds its own definition before those of others.
    struct object own = object_at(caller);
    if (own.dynamic && own.dynamic != _DYNAMIC) next.function = definition(own, names[entry]);
    if (next.function) next.mode = mode_of(entry, own);
  }
  if (!next.function && !__atomic_load_n(&later[entry].function, __ATOMIC_ACQUIRE)) {
    struct search search = new_search(later, entry);
    dl_iterate_phdr(look_into, &search);
    // It must stay, for it will be called whoever else goes.
    if (search.found_name) dlopen(search.found_name, RTLD_NOLOAD | RTLD_LAZY);
  }
  errno = saved;
  return next.function ? next : later[entry];
}
