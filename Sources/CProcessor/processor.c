// The header is all there is; a target needs one file to compile.
#include "CProcessor.h"
