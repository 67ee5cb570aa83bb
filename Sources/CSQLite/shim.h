// The SQLite functions that databases are written with.
#include <sqlite3.h>
