// Merges the rings of all threads into one stream, ordered by time.

import CLinux
import CaptureABI
import Glibc
import Trace

/// Reads all rings and passes their records on in the order of their stamps.
///
/// A record may be passed on as soon as no older one can still arrive. A thread says in its ring
/// when a stamp is in flight: taken, or about to be taken, but not yet published. So everything
/// older than all stamps in flight is complete, except for what stores take to become visible,
/// for which a millisecond is far more than enough.
///
/// The clock is read without waiting for earlier instructions, so stamps of different threads that
/// are closer together than the processor looks ahead may be in the wrong order. Of a block that
/// shows: it would end before it begins. Then its record is put off until after the other thread's, and
/// everything in between keeps its turn.
struct RingMerger: ~Copyable {
  private let segment: Segment
  private let cursors: UnsafeMutablePointer<RingCursor>
  private let ringCount = Int(LACUNA_RING_COUNT)
  private var inFlight: [(stamp: UInt64, age: UInt64)]
  private var lastPass: UInt64 = 0
  private var active: [Int] = []
  var feeder: TraceFeeder
  private(set) var clock: TickClock
  /// Moments whose place among the steps is wanted.
  var fences = FenceQueue()
  /// Rings from this one on have never been claimed.
  private var usedRings = 0
  private var claimedRings = 0
  /// Stamps of different threads that are further apart than this are in order: some hundred
  /// instructions that all wait for memory take less.
  private var disorder: UInt64 = 0

  init(segment: Segment, feeder: TraceFeeder, clock: TickClock) {
    self.segment = segment
    self.feeder = feeder
    self.clock = clock
    cursors = .allocate(capacity: ringCount)
    for ring in 0..<ringCount {
      (cursors + ring).initialize(
        to: RingCursor(
          control: segment.controls + ring, words: segment.rings + ring * Int(LACUNA_RING_WORDS)))
    }
    inFlight = Array(repeating: (0, 0), count: ringCount)
  }

  deinit {
    cursors.deinitialize(count: ringCount)
    cursors.deallocate()
  }

  /// Passes on what is complete.
  ///
  /// Returns the fullest ring's share of its room, in sixteenths.
  ///
  /// - Parameter isLast: whether the process is gone, so that nothing is in flight any more.
  mutating func pass(isLast: Bool) -> Int {
    let now = TickClock.monotonic()
    // A recorder that was stopped, or waited for its disk, has not watched the threads meanwhile.
    let watched = lastPass == 0 ? 0 : min(now &- lastPass, 10_000_000)
    lastPass = now
    var bounds = StampBounds(
      visible: isLast ? UInt64.max : clock.now &- clock.ticks(milliseconds: 1))
    let image = segment.header.pointee.image_count
    active.removeAll(keepingCapacity: true)
    var fullest = 0
    let slack = clock.ticks(milliseconds: 1000)
    disorder = clock.ticks(milliseconds: 0.01)
    claimedRings = 0
    usedRings = min(ringCount, Int(lacuna_load32(&segment.header.pointee.ring_limit)))
    for ring in 0..<usedRings where segment.controls[ring].claimed == 1 {
      if !isLast, segment.controls[ring].image &+ 1 == image {
        bound(ring, watched, &bounds)
      }
      refresh(ring)
      claimedRings += 1
      // Only a program that overwrites its ring writes stamps of the future. Waiting for their turn
      // would stop the thread as soon as its ring is full.
      if cursors[ring].hasRecord, cursors[ring].record.ticks > clock.now &+ slack {
        cursors[ring].abandon()
      }
      if cursors[ring].hasRecord { active.append(ring) }
      fullest = max(fullest, cursors[ring].unreadWords * 16 / Int(LACUNA_RING_WORDS))
    }
    feeder.importModules()
    while let fence = fences.next, fence &+ disorder <= bounds.watermark {
      merge(bounds, upTo: fence, isFence: true)
      fences.cross(at: clock.time(fence), after: feeder.writer.summary.steps)
    }
    merge(bounds, upTo: bounds.watermark)
    for ring in 0..<usedRings where segment.controls[ring].claimed == 1 {
      cursors[ring].publish()
    }
    return fullest
  }

  /// Adds the oldest stamp that may still be in flight in a ring, if one is.
  private mutating func bound(_ ring: Int, _ watched: UInt64, _ bounds: inout StampBounds) {
    var stamp = lacuna_load64(&segment.controls[ring].pending)
    var spins = 0
    // 1 lasts for the few instructions before the stamp is taken.
    while stamp == 1, spins < 200 {
      stamp = lacuna_load64(&segment.controls[ring].pending)
      spins += 1
    }
    guard stamp != 0 else {
      inFlight[ring].stamp = 0
      return
    }
    if inFlight[ring].stamp != stamp {
      inFlight[ring] = (stamp, 0)
    } else {
      inFlight[ring].age &+= watched
      // A thread that left its hook by a jump out of a signal handler never says so.
      if inFlight[ring].age > 1_000_000_000 { return }
    }
    // About to take a stamp for longer than that: it was interrupted, and the stamp may already be
    // taken. Nothing newer than what this ring has shown is certain.
    if stamp == 1 {
      bounds.announced.add(cursors[ring].record.ticks, ring: ring)
    } else {
      bounds.taken.add(stamp, ring: ring)
    }
  }

  private mutating func refresh(_ ring: Int) {
    let control = segment.controls + ring
    if ring != Int(LACUNA_SHARED_RING), cursors[ring].serial != control.pointee.thread_serial,
      cursors[ring].isDrained
    {
      cursors[ring].serial = control.pointee.thread_serial
      cursors[ring].thread = feeder.threads.thread(
        serial: control.pointee.thread_serial, kernelID: control.pointee.thread_id, clock)
      cursors[ring].refresh { feeder.threads.thread(serial: $0, kernelID: $1, clock) }
      if cursors[ring].hasRecord {
        feeder.threads.noteFirstRecord(
          serial: control.pointee.thread_serial, at: clock.moment(cursors[ring].record.ticks))
      }
      return
    }
    cursors[ring].refresh { feeder.threads.thread(serial: $0, kernelID: $1, clock) }
  }

  /// Takes records in order from the rings in `active`.
  ///
  /// At a fence a reallocation that is under way is split.
  private mutating func merge(
    _ bounds: StampBounds, upTo watermark: UInt64, isFence: Bool = false
  ) {
    let fence = isFence ? watermark : UInt64.max
    while !active.isEmpty {
      var first = 0
      var next = UInt64.max
      for i in active.indices.dropFirst() {
        let ticks = cursors[active[i]].record.ticks
        if ticks < cursors[active[first]].record.ticks {
          next = min(next, cursors[active[first]].record.ticks)
          first = i
        } else {
          next = min(next, ticks)
        }
      }
      let ring = active[first]
      guard cursors[ring].record.ticks <= watermark else { return }
      guard take(ring, until: next, upTo: watermark, fence: fence, bounds) else { return }
      active.removeAll { !cursors[$0].hasRecord }
    }
  }

  /// Takes the records of one ring up to the stamp at which another ring's turn comes.
  ///
  /// False when it is not certain yet whether a reallocation is to be split; it is left for the next
  /// pass.
  private mutating func take(
    _ ring: Int, until next: UInt64, upTo watermark: UInt64, fence: UInt64, _ bounds: StampBounds
  ) -> Bool {
    let writer = feeder.writer
    let limit = min(next, watermark)
    let cursor = cursors + ring
    repeat {
      cursor.pointee.lookAhead { writer.prefetch($0) }
      let time = clock.time(cursor.pointee.record.ticks)
      if !feeder.feedPlain(cursor, time, writer) {
        switch takeOther(ring, time, until: next, fence: fence, bounds, writer) {
        case .next: break
        case .sameAgain: continue
        case .otherTurn: return true
        case .later: return false
        }
      }
      cursor.pointee.advance { feeder.threads.thread(serial: $0, kernelID: $1, clock) }
    } while cursor.pointee.hasRecord && cursor.pointee.record.ticks <= limit
    return true
  }

  /// What is to be done after a record that is none of the plain ones.
  private enum Outcome {
    /// It was taken.
    case next
    /// Its first half was taken.
    case sameAgain
    /// It was put off until after a record of another ring.
    case otherTurn
    /// It has to wait for the next pass.
    case later
  }

  /// Takes a record that is rare, or that contradicts what is known.
  @inline(never)
  private mutating func takeOther(
    _ ring: Int, _ time: Timestamp, until next: UInt64, fence: UInt64, _ bounds: StampBounds,
    _ writer: TraceWriter
  ) -> Outcome {
    if claimedRings > 1, let missing = missing(for: cursors[ring].record, writer) {
      switch search(for: missing, besides: ring, bounds) {
      case .found(let moment):
        cursors[ring].putOff(until: moment &+ 1)
        return .otherTurn
      case .notYet: return .later
      case .nowhere: break
      }
    }
    guard cursors[ring].record.kind == .reallocate else {
      feed(ring, whole: true, time, writer)
      return .next
    }
    let end = cursors[ring].record.ticksAfter
    var whole = false
    if end > fence {
      whole = false
    } else if let isUndisturbed = bounds.isUndisturbed(until: end, ring: ring, next: next) {
      whole = isUndisturbed
    } else if end < bounds.visible &+ clock.ticks(milliseconds: 1000) {
      // One that ends later was made up by a program that overwrote its ring.
      return .later
    }
    feed(ring, whole: whole, time, writer)
    guard !whole, cursors[ring].record.address != 0 else { return .next }
    cursors[ring].record.kind = .reallocateEnd
    cursors[ring].record.ticks = end
    return .sameAgain
  }

  private mutating func feed(
    _ ring: Int, whole: Bool, _ time: Timestamp, _ writer: TraceWriter
  ) {
    feeder.feed(
      cursors[ring].record, thread: cursors[ring].thread, time: time, whole: whole,
      text: cursors[ring].record.kind == .mark ? cursors[ring].text : [], into: writer)
  }

  // MARK: Disorder

  private enum Search {
    case found(at: UInt64)
    case notYet
    case nowhere
  }

  /// What must have happened before this record, and did not.
  @inline(__always)
  private func missing(for record: RingRecord, _ writer: TraceWriter) -> RingRecord.Change? {
    if let ending = record.ending, !writer.isLive(ending) { return .begin(ending) }
    if let beginning = record.beginning, writer.isLive(beginning) { return .end(beginning) }
    return nil
  }

  /// Looks for it among the next records of the other rings.
  @inline(never)
  private func search(
    for change: RingRecord.Change, besides ring: Int, _ bounds: StampBounds
  ) -> Search {
    let record = cursors[ring].record
    let until = record.ticks &- record.delay &+ disorder
    var first = UInt64.max
    for other in active where other != ring {
      first = min(first, cursors[other].moment(of: change, until: until) ?? .max)
    }
    // What is merged before this record is not what it waits for.
    if first != .max, first >= record.ticks { return .found(at: first) }
    return until <= bounds.watermark ? .nowhere : .notYet
  }

  // MARK: Threads that ended

  /// Gives back the rings of threads that are gone.
  mutating func reclaim(process: Int32) {
    feeder.threads.poll(clock)
    let image = segment.header.pointee.image_count
    for ring in 0..<usedRings
    where ring != Int(LACUNA_SHARED_RING) && segment.controls[ring].claimed == 1 {
      let control = segment.controls + ring
      let isOver =
        control.pointee.image &+ 1 != image
        || linux_thread_exists(process, control.pointee.thread_id) == 0
      guard isOver else { continue }
      refresh(ring)
      guard cursors[ring].isDrained else { continue }
      cursors[ring].publish()
      lacuna_store64(&control.pointee.pending, 0)
      lacuna_store32(&control.pointee.claimed, 0)
    }
  }

  /// The threads of the current program image that have rings and still exist.
  mutating func threads(process: Int32) -> [RequestingThread] {
    let image = segment.header.pointee.image_count
    var serials: Set<UInt32> = []
    var result: [RequestingThread] = []
    for ring in 0..<usedRings
    where ring != Int(LACUNA_SHARED_RING) && segment.controls[ring].claimed == 1 {
      let control = segment.controls[ring]
      // A thread that a signal interrupted has a second ring.
      guard control.image &+ 1 == image, serials.insert(control.thread_serial).inserted,
        linux_thread_exists(process, control.thread_id) != 0
      else { continue }
      result.append(
        RequestingThread(
          index: feeder.threads.thread(
            serial: control.thread_serial, kernelID: control.thread_id, clock),
          pointer: control.thread_pointer, isFirst: control.thread_id == process))
    }
    return result
  }

  mutating func calibrate() { clock.calibrate() }

  mutating func time(_ ticks: UInt64) -> Timestamp { clock.time(ticks) }
}
