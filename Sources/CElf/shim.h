// libelf: headers, sections, notes and symbol tables of ELF files; and the extended attributes in
// which files keep capabilities, which the Glibc module leaves out.
#include <gelf.h>
#include <libelf.h>
#include <sys/xattr.h>
