// Which modules lay where while heaptrack recorded.

import MemoryUnits
import Trace

/// The modules that are loaded at the moment, and all that were.
///
/// heaptrack writes the whole list again whenever a library was loaded or unloaded. A module that was
/// not there before gets the number of the list as its generation, so that it differs from what lay at
/// its place before.
struct HeaptrackModules {
  /// More modules than this at a time are no program's.
  private static let maximum = 8192

  private struct Key: Hashable {
    var path: String
    var start: UInt64
    var end: UInt64
    var bias: UInt64
  }

  private struct Loaded {
    var range: Range<UInt64>
    var generation: UInt16
  }

  /// Libraries that bring a malloc of their own.
  private static let otherAllocators = [
    "libjemalloc", "libtcmalloc", "libmimalloc", "libsnmalloc", "libhoard", "librpmalloc",
  ]

  /// The C library, if it is glibc's and no other library answers for it, as far as names tell.
  private(set) var glibc: String?
  private var hasOtherAllocator = false

  /// By start.
  private var loaded: [Loaded] = []
  private var generations: [Key: UInt16] = [:]
  private var lists: UInt16 = 0
  private var isFirst = true

  mutating func removeAll() {
    loaded.removeAll(keepingCapacity: true)
    // Code of no module has generation 0xffff.
    if !isFirst, lists < 0xfffe { lists += 1 }
    isFirst = false
  }

  /// Adds a module; returns it where it was not there before.
  mutating func add(path: String, range: Range<UInt64>, bias: UInt64) -> Module? {
    guard loaded.count < Self.maximum else { return nil }
    isFirst = false
    let key = Key(path: path, start: range.lowerBound, end: range.upperBound, bias: bias)
    let known = generations[key]
    let generation = known ?? lists
    let place = firstIndex { $0.range.lowerBound > range.lowerBound }
    loaded.insert(Loaded(range: range, generation: generation), at: place)
    guard known == nil else { return nil }
    generations[key] = generation
    noteAllocator(path)
    return Module(
      image: 0, generation: generation,
      range: Address(range.lowerBound)..<Address(range.upperBound), bias: bias, path: path,
      buildID: [])
  }

  private mutating func noteAllocator(_ path: String) {
    let name = path.split(separator: "/").last.map(String.init) ?? ""
    if Self.otherAllocators.contains(where: name.hasPrefix) { hasOtherAllocator = true }
    if name.hasPrefix("libc.so.6") || name.hasPrefix("libc-2."), glibc == nil { glibc = path }
    if hasOtherAllocator { glibc = nil }
  }

  /// The generation of the module at that address; 0xffff where there is none.
  func generation(of address: UInt64) -> UInt16 {
    let place = firstIndex { $0.range.lowerBound > address }
    guard place > 0, loaded[place - 1].range.contains(address) else { return 0xffff }
    return loaded[place - 1].generation
  }

  /// The first of the loaded modules for which that is true, as it is for all after it.
  private func firstIndex(where predicate: (Loaded) -> Bool) -> Int {
    var low = 0
    var high = loaded.count
    while low < high {
      let middle = (low + high) / 2
      if predicate(loaded[middle]) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
