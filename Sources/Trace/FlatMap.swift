// A hash table of numbers in one flat piece of memory.

import CProcessor
import Glibc

/// A map from 64-bit keys to small plain values: open addressing with linear probing, deletion by
/// shifting back (Knuth, TAOCP 3, 6.4, algorithm R), never more than half full.
///
/// The key `UInt64.max` cannot be stored: it is never found, and storing it has no effect.
/// - Complexity: expected O(1) for each operation; memory follows the largest number of entries.
struct FlatMap<Value: BitwiseCopyable>: ~Copyable {
  private struct Entry {
    /// The key and one; zero where the place is free.
    var tag: UInt64
    var value: Value
  }

  private var entries: UnsafeMutablePointer<Entry>
  private var shift: UInt64
  private let multiplier: UInt64
  private(set) var count = 0

  /// Makes a table of 2^`capacityShift` places, whose keys nobody can choose so that they collide.
  init(capacityShift: UInt64 = 10, multiplier: UInt64 = HashMultiplier.draw()) {
    self.multiplier = multiplier
    shift = 64 - capacityShift
    entries = Self.allocate(1 << Int(capacityShift))
  }

  deinit { munmap(entries, capacity * MemoryLayout<Entry>.stride) }

  /// Zeroed memory; of a large table in huge pages, since every access is to another page.
  private static func allocate(_ capacity: Int) -> UnsafeMutablePointer<Entry> {
    let bytes = capacity * MemoryLayout<Entry>.stride
    let memory = mmap(nil, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    guard let memory, memory != MAP_FAILED else {
      fatalError("out of memory for a table of \(capacity) entries")
    }
    if bytes >= 1 << 22 { madvise(memory, bytes, MADV_HUGEPAGE) }
    return memory.bindMemory(to: Entry.self, capacity: capacity)
  }

  private var capacity: Int { 1 &<< (64 &- Int(shift)) }
  private var mask: Int { capacity &- 1 }

  /// Multiplicative hashing (TAOCP 3, 6.4; see ``HashMultiplier``) of all but the lowest eight bits of
  /// the key, which choose one of sixteen neighbours: blocks that lie next to each other, and are
  /// mostly asked for and freed together, share the lines of the cache.
  @inline(__always)
  private func home(_ tag: UInt64) -> Int {
    let key = tag &- 1
    let group = (key &>> 8 &* multiplier) &>> (shift &+ 4)
    return Int(truncatingIfNeeded: group &<< 4 | (key &>> 4 ^ key) & 15)
  }

  /// Where the tag is, or the free place where it belongs.
  @inline(__always)
  private func place(_ tag: UInt64) -> Int {
    let mask = mask
    var place = home(tag)
    while entries[place].tag != tag && entries[place].tag != 0 { place = (place &+ 1) & mask }
    return place
  }

  /// Has the place of a key fetched from memory, because it will be looked at soon.
  @inline(__always)
  func prefetch(_ key: UInt64) {
    processor_prefetch(entries + home(key &+ 1))
  }

  @inline(__always)
  func find(_ key: UInt64) -> Value? {
    let tag = key &+ 1
    guard tag != 0 else { return nil }
    let place = place(tag)
    return entries[place].tag == 0 ? nil : entries[place].value
  }

  /// Stores the value; returns the one that it replaced.
  @inline(__always)
  mutating func set(_ key: UInt64, _ value: Value) -> Value? {
    let tag = key &+ 1
    guard tag != 0 else { return nil }
    if count &* 2 >= capacity { grow() }
    let place = place(tag)
    let old = entries[place].tag == 0 ? nil : entries[place].value
    entries[place] = Entry(tag: tag, value: value)
    if old == nil { count &+= 1 }
    return old
  }

  @inline(__always)
  mutating func remove(_ key: UInt64) -> Value? {
    let tag = key &+ 1
    guard tag != 0 else { return nil }
    let place = place(tag)
    guard entries[place].tag != 0 else { return nil }
    let value = entries[place].value
    close(place)
    count &-= 1
    return value
  }

  mutating func removeAll() {
    guard count > 0 else { return }
    memset(entries, 0, capacity * MemoryLayout<Entry>.stride)
    count = 0
  }

  /// How many places further than its home a key stands, all keys together: what finding each of them
  /// once costs beyond the least.
  var displacement: Int {
    (0..<capacity).reduce(0) { sum, place in
      entries[place].tag == 0 ? sum : sum + (place &- home(entries[place].tag)) & mask
    }
  }

  func forEach(_ body: (UInt64, Value) -> Void) {
    for place in 0..<capacity where entries[place].tag != 0 {
      body(entries[place].tag &- 1, entries[place].value)
    }
  }

  /// Frees a place, moving back the entries behind it that a search would no longer reach.
  @inline(__always)
  private mutating func close(_ place: Int) {
    let mask = mask
    var hole = place
    var next = (place &+ 1) & mask
    while entries[next].tag != 0 {
      if (next &- home(entries[next].tag)) & mask >= (next &- hole) & mask {
        entries[hole] = entries[next]
        hole = next
      }
      next = (next &+ 1) & mask
    }
    entries[hole].tag = 0
  }

  @inline(never)
  private mutating func grow() {
    let old = entries
    let oldCapacity = capacity
    entries = Self.allocate(oldCapacity * 2)
    shift -= 1
    for index in 0..<oldCapacity where old[index].tag != 0 {
      entries[place(old[index].tag)] = old[index]
    }
    munmap(old, oldCapacity * MemoryLayout<Entry>.stride)
  }
}
