// The zlib functions that the trace file is compressed with.
#include <zlib.h>
