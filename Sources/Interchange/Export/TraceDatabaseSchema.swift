// The tables and views of the SQLite export. Exports.md describes them.

enum TraceDatabaseSchema {
  /// Grows when tables or columns change their meaning: `PRAGMA user_version`.
  static let version = 1

  static let tables = """
    CREATE TABLE meta(key TEXT PRIMARY KEY, value) WITHOUT ROWID;
    CREATE TABLE threads(
      id INTEGER PRIMARY KEY, kernel_id INTEGER, name TEXT, began_ns INTEGER, ended_ns INTEGER);
    CREATE TABLE modules(
      id INTEGER PRIMARY KEY, path TEXT, build_id TEXT, start INTEGER, "end" INTEGER);
    CREATE TABLE functions(
      id INTEGER PRIMARY KEY, name TEXT NOT NULL, module TEXT, file TEXT);
    CREATE TABLE frames(
      id INTEGER PRIMARY KEY, address INTEGER, function_id INTEGER REFERENCES functions, line INTEGER,
      module_id INTEGER REFERENCES modules);
    CREATE TABLE stacks(
      id INTEGER PRIMARY KEY, function TEXT, depth INTEGER, site_id INTEGER REFERENCES functions);
    CREATE TABLE stack_frames(
      stack_id INTEGER REFERENCES stacks, depth INTEGER, frame_id INTEGER REFERENCES frames,
      PRIMARY KEY(stack_id, depth)) WITHOUT ROWID;
    CREATE TABLE events(
      id INTEGER PRIMARY KEY, time_ns INTEGER, thread_id INTEGER REFERENCES threads,
      operation TEXT, block_id INTEGER REFERENCES blocks, ended_block_id INTEGER REFERENCES blocks,
      address INTEGER, size INTEGER, stack_id INTEGER REFERENCES stacks, function TEXT, note TEXT);
    CREATE TABLE blocks(
      id INTEGER PRIMARY KEY, first_id INTEGER REFERENCES blocks,
      first_event INTEGER REFERENCES events, last_event INTEGER REFERENCES events,
      began_ns INTEGER, ended_ns INTEGER, ending TEXT, thread_id INTEGER REFERENCES threads,
      ending_thread_id INTEGER REFERENCES threads, address INTEGER, size INTEGER, usable INTEGER,
      alignment INTEGER, stack_id INTEGER REFERENCES stacks, function TEXT, weight INTEGER);
    CREATE TABLE moments(id INTEGER PRIMARY KEY, name TEXT, time_ns INTEGER, events INTEGER);
    CREATE TABLE holes(
      id INTEGER PRIMARY KEY, moment_id INTEGER REFERENCES moments, address INTEGER, size INTEGER,
      wilderness INTEGER, whole_pages INTEGER, below_id INTEGER REFERENCES blocks,
      above_id INTEGER REFERENCES blocks);
    CREATE TABLE series(
      id INTEGER PRIMARY KEY, time_ns INTEGER, events INTEGER, live_bytes INTEGER,
      live_blocks INTEGER, granted_bytes INTEGER, held_bytes INTEGER, touched_bytes INTEGER,
      holes INTEGER, hole_bytes INTEGER, wilderness_bytes INTEGER);
    CREATE TABLE samples(
      id INTEGER PRIMARY KEY, time_ns INTEGER, resident_bytes INTEGER, shared_bytes INTEGER);
    CREATE TABLE marks(
      id INTEGER PRIMARY KEY, time_ns INTEGER, thread_id INTEGER REFERENCES threads, name TEXT);
    """

  /// Made when the tables are full, which is faster.
  static let viewsAndIndexes = """
    CREATE INDEX blocks_by_stack ON blocks(stack_id);
    CREATE INDEX stack_frames_by_frame ON stack_frames(frame_id);

    CREATE VIEW sites AS
      SELECT s.id AS stack_id, f.name AS site, f.module, f.file
      FROM stacks s JOIN functions f ON f.id = s.site_id;

    CREATE VIEW stack_text AS
      SELECT stack_id, group_concat(name, ' < ') AS text
      FROM (SELECT sf.stack_id, f.name
            FROM stack_frames sf JOIN frames fr ON fr.id = sf.frame_id
              JOIN functions f ON f.id = fr.function_id
            ORDER BY sf.stack_id, sf.depth)
      GROUP BY stack_id;

    CREATE VIEW live_blocks AS
      SELECT m.name AS moment, b.*
      FROM moments m JOIN blocks b
        ON b.first_event < m.events AND (b.last_event IS NULL OR b.last_event >= m.events);

    CREATE VIEW live_by_site AS
      SELECT l.moment, s.site, s.module, sum(l.weight) AS blocks, sum(l.weight * l.size) AS bytes
      FROM live_blocks l LEFT JOIN sites s ON s.stack_id = l.stack_id
      GROUP BY l.moment, s.site, s.module;

    CREATE VIEW by_site AS
      SELECT s.site, s.module, sum(b.weight) AS blocks, sum(b.weight * b.size) AS bytes,
        sum(b.weight * (b.last_event IS NULL)) AS living_blocks,
        sum(b.weight * b.size * (b.last_event IS NULL)) AS living_bytes,
        avg(b.ended_ns - b.began_ns) AS mean_lifetime_ns,
        avg(b.last_event - b.first_event) AS mean_lifetime_events
      FROM blocks b LEFT JOIN sites s ON s.stack_id = b.stack_id
      GROUP BY s.site, s.module;

    CREATE VIEW hole_keepers AS
      SELECT m.name AS moment, s.site, s.module, count(*) AS holes, sum(h.size) AS bytes,
        sum(h.whole_pages) AS whole_pages
      FROM holes h JOIN moments m ON m.id = h.moment_id
        JOIN blocks b ON b.id = h.above_id LEFT JOIN sites s ON s.stack_id = b.stack_id
      WHERE h.wilderness = 0
      GROUP BY m.name, s.site, s.module;
    """
}
