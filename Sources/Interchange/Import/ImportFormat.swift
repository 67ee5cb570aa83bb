// The formats that can be imported, and what each of them does not know.

/// A format of another tool that a trace can be made from.
public enum ImportFormat: String, CaseIterable, Sendable {
  /// What `heaptrack --raw` writes.
  case heaptrackRaw = "heaptrack-raw"
  /// The traces of the malloc lab of CS:APP, and of the courses that use it.
  case malloclab
  /// The text of Android's memory_replay.
  case android
  /// The text that glibc's `mtrace()` writes.
  case mtrace
  /// The binary workload of glibc's malloc trace utilities (`trace2wl`).
  case djWorkload = "dj-workload"
  /// The output of `valgrind --trace-malloc=yes`.
  case valgrind
  /// The output of `ltrace`.
  case ltrace
  /// The messages of jemalloc's `utrace` option.
  case jemallocUtrace = "jemalloc-utrace"
  /// The log of Firefox's logalloc, before or after munging.
  case logalloc
  /// The lifetimes of google/minimalloc.
  case minimalloc
  /// Lacuna's own table of events as comma-separated values.
  case csv
  /// Lacuna's own table of events, one JSON object a line.
  case ndjson

  /// What the format is, in one line.
  public var summary: String {
    switch self {
    case .heaptrackRaw: "heaptrack --raw (plain, .gz, .zst)"
    case .malloclab: "the .rep traces of the CS:APP malloc lab: a id size, r id size, f id"
    case .android: "Android memory_replay: 186: malloc 0xb6027400 1024 (text or .zip)"
    case .mtrace: "glibc's mtrace: @ prog:[0x1199] + 0x55a9c87042a0 0xa"
    case .djWorkload: "glibc's malloc trace utilities: the workload that trace2wl writes"
    case .valgrind: "valgrind --trace-malloc=yes: --123-- malloc(10) = 0x4A41040"
    case .ltrace: "ltrace, with any of -f -i -r -t -tt -ttt -T: malloc(10) = 0x558dd74622a0"
    case .jemallocUtrace: "jemalloc's utrace: <jemalloc>:utrace: 123 0x800b01000 = malloc(64)"
    case .logalloc: "Firefox's logalloc: 18545 18545 malloc(32)=0x7f90495120e0, raw or munged"
    case .minimalloc: "minimalloc: id,lower,upper,size with alignment or offset"
    case .csv: "events as CSV, as lacuna export --to csv writes them"
    case .ndjson: "events as JSON, one a line, as lacuna export --to ndjson writes them"
    }
  }

  /// An example of what is expected, for messages.
  var example: String {
    switch self {
    case .heaptrackRaw: "a line such as + 20 8 56176d3b02d0, after a first line such as v 10400 3"
    case .malloclab: "a line such as a 0 512, r 0 640 or f 0"
    case .android: "a line such as 186: malloc 0xb6027400 1024"
    case .mtrace: "a line such as @ prog:[0x1199] + 0x55a9c87042a0 0xa"
    case .djWorkload: "a head that allocates pointers (08) and names threads (0a, 0b)"
    case .valgrind: "a line such as --123-- malloc(10) = 0x4A41040"
    case .ltrace: "a line such as malloc(10) = 0x558dd74622a0"
    case .jemallocUtrace: "a line such as <jemalloc>:utrace: 123 0x800b01000 = malloc(64)"
    case .logalloc: "a line such as 18545 18545 malloc(32)=0x7f90495120e0"
    case .minimalloc: "a first line with the columns id,lower,upper,size"
    case .csv: "a first line with the columns operation and size, and address or block"
    case .ndjson: "a line such as {\"operation\":\"allocate\",\"address\":\"0x10\",\"size\":8}"
    }
  }
}

/// What the source of an import knows; a trace says the same in its metadata.
public struct SourceKnowledge: Sendable, Equatable {
  /// Whether the addresses are those of a real heap.
  public var addresses = false
  /// Whether requests name the threads that made them.
  public var threads = false
  /// Whether requests name at least the place that they were made from.
  public var stacks = false
  /// Whether requests have times.
  public var times = false

  /// Knows nothing.
  public init() {}

  init(addresses: Bool = false, threads: Bool = false, stacks: Bool = false, times: Bool = false) {
    self.addresses = addresses
    self.threads = threads
    self.stacks = stacks
    self.times = times
  }

  /// What is not known, in words.
  public var missing: [String] {
    [
      addresses ? nil : "addresses", threads ? nil : "threads", stacks ? nil : "call stacks",
      times ? nil : "times",
    ].compactMap { $0 }
  }
}
