// The zstd functions that heaptrack files are unpacked with.
#include <zstd.h>
