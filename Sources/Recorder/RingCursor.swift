// Reads the records of one ring, in the order in which its thread wrote them.

import CaptureABI
import MemoryUnits
import Trace

/// The reading end of one ring.
struct RingCursor {
  let control: UnsafeMutablePointer<lacuna_ring_control>
  let words: UnsafeMutablePointer<UInt64>
  /// The thread whose records follow.
  var thread = ThreadIndex(0)
  /// The serial for which `thread` stands; 0 before the first.
  var serial: UInt32 = 0
  /// The record that is next in line; valid while `hasRecord`.
  var record = RingRecord()
  var hasRecord = false
  /// The name that a mark gives.
  private(set) var text: [UInt8] = []

  /// Words up to here have been taken.
  private(set) var position: UInt64 = 0
  /// Words up to here belong to `record`, or were taken.
  private var recordEnd: UInt64 = 0
  private var limit: UInt64 = 0
  /// Records up to here have been looked at for the blocks that they are about.
  private var ahead: UInt64 = 0
  private var lastTicks: UInt64 = 0
  private var published: UInt64 = 0

  private static let mask = UInt64(LACUNA_RING_WORDS) - 1

  init(control: UnsafeMutablePointer<lacuna_ring_control>, words: UnsafeMutablePointer<UInt64>) {
    self.control = control
    self.words = words
  }

  /// Looks how far the thread has written, and decodes the next record if there is none in line.
  ///
  /// `threadNamed` gives the thread for a serial and a kernel's id that stand in the ring.
  mutating func refresh(_ threadNamed: (UInt32, Int32) -> ThreadIndex) {
    let head = lacuna_load64(&control.pointee.head)
    // A program that overwrites memory at random may hit the ring; nothing more can be read then.
    limit = head &- position <= UInt64(LACUNA_RING_WORDS) ? head : recordEnd
    if !hasRecord { advance(threadNamed) }
  }

  /// Words that the thread has written and that were not taken yet.
  var unreadWords: Int { Int(truncatingIfNeeded: limit &- position) }

  /// Whether all that was written by the last `refresh` has been taken.
  var isDrained: Bool { !hasRecord && recordEnd == limit }

  /// Passes over the record in line and decodes the one behind it.
  @inline(__always)
  mutating func advance(_ threadNamed: (UInt32, Int32) -> ThreadIndex) {
    // The thread may be waiting for room.
    if recordEnd &- published > UInt64(LACUNA_RING_WORDS) / 8 {
      position = recordEnd
      publish()
    }
    next(threadNamed)
  }

  /// As `advance`, but gives the thread no room.
  @inline(__always)
  private mutating func next(_ threadNamed: (UInt32, Int32) -> ThreadIndex) {
    position = recordEnd
    hasRecord = false
    if record.delay != 0 { record.delay = 0 }
    while recordEnd < limit {
      if decode(threadNamed) {
        hasRecord = true
        return
      }
      position = recordEnd
    }
  }

  /// When a record ends the block at an address, or begins one there; nil where none does up to that
  /// stamp.
  func moment(of change: RingRecord.Change, until stamp: UInt64) -> UInt64? {
    var ahead = self
    while ahead.hasRecord, ahead.record.ticks <= stamp {
      let moment = ahead.record.moment(of: change)
      if ahead.record.makes(change), moment <= stamp { return moment }
      ahead.next { _, _ in ThreadIndex(0) }
    }
    return nil
  }

  /// Puts the record off until a moment, which is not before its stamp.
  mutating func putOff(until ticks: UInt64) {
    record.delay &+= ticks &- record.ticks
    record.ticks = ticks
    record.ticksAfter = max(record.ticksAfter, ticks)
  }

  /// Passes over all that was written by the last `refresh`: it makes no sense.
  mutating func abandon() {
    recordEnd = limit
    position = limit
    hasRecord = false
    record = RingRecord()
    lastTicks = 0
  }

  /// Gives the thread the room of what was taken.
  mutating func publish() {
    published = position
    lacuna_store64(&control.pointee.tail, position)
  }

  @inline(__always)
  private func word(_ offset: UInt64) -> UInt64 { word(at: recordEnd &+ offset) }

  @inline(__always)
  private func word(at position: UInt64) -> UInt64 {
    words[Int(truncatingIfNeeded: position & Self.mask)]
  }

  /// So many words before its turn a record is looked at for its block.
  private static let lookAheadWords: UInt64 = 48

  /// Tells `fetch` the addresses of blocks whose turn comes soon; to be called once for each record.
  @inline(__always)
  mutating func lookAhead(_ fetch: (UInt64) -> Void) {
    if ahead < recordEnd { ahead = recordEnd }
    var rounds = 0
    // One more than is taken each time, until the distance is reached.
    while rounds < 2, ahead < limit, ahead &- recordEnd < Self.lookAheadWords {
      let first = word(at: ahead)
      let kind = first & 7
      if kind == UInt64(LACUNA_KIND_EXTENDED) {
        guard lookAtExtended(Int(truncatingIfNeeded: first >> 20), fetch) else { return }
      } else {
        fetch((first >> 20) << 3)
        ahead &+= kind == UInt64(LACUNA_KIND_ALLOCATE) ? 2 : 1
      }
      rounds &+= 1
    }
  }

  /// False for what is so rare that it may as well have been taken first.
  @inline(__always)
  private mutating func lookAtExtended(_ sort: Int, _ fetch: (UInt64) -> Void) -> Bool {
    switch sort {
    case LACUNA_EXT_TIME: ahead &+= 2
    case LACUNA_EXT_BREAK: ahead &+= 3
    case LACUNA_EXT_ALLOCATE:
      fetch(word(at: ahead &+ 2))
      ahead &+= 6
    case LACUNA_EXT_REALLOCATE:
      fetch(word(at: ahead &+ 3))
      fetch(word(at: ahead &+ 4))
      ahead &+= 8
    default: return false
    }
    return true
  }

  /// Decodes what stands at `recordEnd`.
  ///
  /// False for what only concerns the ring itself.
  @inline(__always)
  private mutating func decode(_ threadNamed: (UInt32, Int32) -> ThreadIndex) -> Bool {
    let first = word(0)
    switch first & 7 {
    case UInt64(LACUNA_KIND_FREE):
      return release(first, .free)
    case UInt64(LACUNA_KIND_ALLOCATE):
      let second = word(1)
      lastTicks &+= first >> 3 & 0x1ffff
      record.kind = .allocate
      record.ticks = lastTicks
      record.address = (first >> 20) << 3
      record.size = second & 0xf_ffff_ffff
      record.usable = lacuna_usual_usable(record.size)
      record.node = UInt32(truncatingIfNeeded: second >> 36 & 0xff_ffff)
      record.entry = UInt8(truncatingIfNeeded: second >> 60)
      record.alignmentShift = 0
      recordEnd &+= 2
      return true
    case UInt64(LACUNA_KIND_DELETE): return release(first, .delete)
    case UInt64(LACUNA_KIND_DELETE_ARRAY): return release(first, .deleteArray)
    case UInt64(LACUNA_KIND_DELETE_SIZED): return release(first, .deleteSized)
    case UInt64(LACUNA_KIND_DELETE_ARRAY_SIZED): return release(first, .deleteArraySized)
    case UInt64(LACUNA_KIND_EXTENDED):
      return decodeExtended(Int32(truncatingIfNeeded: first >> 20), threadNamed)
    default:
      // Nobody writes this; the rest of the ring cannot be understood either.
      recordEnd = limit
      return false
    }
  }

  @inline(__always)
  private mutating func release(_ first: UInt64, _ entry: EntryPoint) -> Bool {
    lastTicks &+= first >> 3 & 0x1ffff
    record.kind = .free
    record.ticks = lastTicks
    record.address = (first >> 20) << 3
    record.entry = entry.rawValue
    recordEnd &+= 1
    return true
  }

  private mutating func decodeExtended(_ sort: Int32, _ threadNamed: (UInt32, Int32) -> ThreadIndex)
    -> Bool
  {
    lastTicks = word(1)
    record.ticks = lastTicks
    switch Int(sort) {
    case LACUNA_EXT_TIME:
      recordEnd &+= 2
      return false
    case LACUNA_EXT_THREAD:
      serial = UInt32(truncatingIfNeeded: word(2))
      thread = threadNamed(serial, Int32(truncatingIfNeeded: word(2) >> 32))
      recordEnd &+= 3
      return false
    case LACUNA_EXT_ALLOCATE:
      record.kind = .allocate
      record.address = word(2)
      record.size = word(3)
      record.usable = word(4)
      unpack(word(5))
      recordEnd &+= 6
    case LACUNA_EXT_REALLOCATE:
      record.kind = .reallocate
      record.ticksAfter = word(2)
      lastTicks = record.ticksAfter
      record.oldAddress = word(3)
      record.address = word(4)
      record.size = word(5)
      record.usable = word(6)
      unpack(word(7))
      recordEnd &+= 8
    case LACUNA_EXT_BREAK:
      record.kind = .moveBreak
      record.address = word(2)
      recordEnd &+= 3
    case LACUNA_EXT_IMAGE:
      record.kind = .image
      record.size = word(2)
      record.address = word(3)
      recordEnd &+= 4
    case LACUNA_EXT_RELEASE:
      record.kind = .free
      record.address = word(2)
      record.entry = UInt8(truncatingIfNeeded: word(3))
      recordEnd &+= 4
    case LACUNA_EXT_SYSTEM:
      record.kind = .system
      unpack(word(2))
      record.address = word(3)
      record.size = word(4)
      record.detail = word(5)
      recordEnd &+= 6
    case LACUNA_EXT_POOL:
      record.kind = .pool
      unpack(word(2))
      record.oldAddress = word(3)
      record.address = word(4)
      record.size = word(5)
      recordEnd &+= 6
    case LACUNA_EXT_HEAP:
      record.kind = .resizeHeap
      record.address = word(2)
      record.size = word(3)
      record.detail = word(4)
      recordEnd &+= 5
    case LACUNA_EXT_MARK:
      record.kind = .mark
      readText(min(word(2), UInt64(LACUNA_MARK_BYTES)))
    default:
      recordEnd = limit
      return false
    }
    return true
  }

  /// Reads the name that a mark gives.
  private mutating func readText(_ count: UInt64) {
    text.removeAll(keepingCapacity: true)
    for index in 0..<count {
      text.append(UInt8(truncatingIfNeeded: word(3 &+ index / 8) >> (index % 8 * 8)))
    }
    recordEnd &+= 3 &+ (count &+ 7) / 8
  }

  private mutating func unpack(_ word: UInt64) {
    record.node = UInt32(truncatingIfNeeded: word)
    record.entry = UInt8(truncatingIfNeeded: word >> 32)
    record.alignmentShift = UInt8(truncatingIfNeeded: word >> 40)
  }
}
