// The layout is all in the header.
#include "CaptureABI.h"
