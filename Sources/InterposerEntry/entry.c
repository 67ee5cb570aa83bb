#include "InterposerEntry.h"
