// libelf: headers, sections, notes and symbol tables of ELF files.
#include <gelf.h>
#include <libelf.h>
