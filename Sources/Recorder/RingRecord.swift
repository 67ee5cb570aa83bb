// What a thread wrote into its ring about one event.

/// A record of a ring, taken apart.
struct RingRecord {
  enum Kind {
    case allocate
    case free
    /// The whole call, or, once its first half has been passed on, the second half.
    case reallocate
    case reallocateEnd
    case moveBreak
    /// Something about no block: `entry` says what.
    case system
    /// A piece of a pool begins or ends: the pool's handle in `oldAddress`.
    case pool
    /// A moment got a name; the name is in ``RingCursor/text``.
    case mark
    /// A heap of a thread arena has a size; `detail` as ``ArenaHeaps`` has it.
    case resizeHeap
    /// A program image begins: its number in `size`, the start of its break in `address`.
    case image
  }

  var kind = Kind.free
  /// The stamp by which the record is merged: of a reallocation, the moment before the call.
  var ticks: UInt64 = 0
  var ticksAfter: UInt64 = 0
  /// How much later than its stamp the record is merged, because something came before it that has a
  /// later stamp.
  var delay: UInt64 = 0
  var address: UInt64 = 0
  var oldAddress: UInt64 = 0
  var size: UInt64 = 0
  var usable: UInt64 = 0
  var node: UInt32 = 0
  var entry: UInt8 = 0
  var alignmentShift: UInt8 = 0
  var detail: UInt64 = 0
}

extension RingRecord {
  /// What becomes of the block at an address.
  enum Change {
    case end(UInt64)
    case begin(UInt64)
  }

  /// The address of the block that this record ends, if it ends one.
  @inline(__always)
  var ending: UInt64? {
    switch kind {
    case .free: address
    case .reallocate: oldAddress
    default: nil
    }
  }

  /// The address of the block that this record begins, unless it ended one in the same place.
  @inline(__always)
  var beginning: UInt64? {
    switch kind {
    case .allocate, .reallocateEnd: address
    case .reallocate: address == oldAddress || address == 0 ? nil : address
    default: nil
    }
  }

  /// When this record makes a change.
  func moment(of change: Change) -> UInt64 {
    if case .begin = change, kind == .reallocate { ticksAfter } else { ticks }
  }

  /// Whether this record makes that change, and does not need it itself.
  func makes(_ change: Change) -> Bool {
    switch change {
    case .begin(let address): beginning == address
    case .end(let address):
      ending == address && !(kind == .reallocate && self.address == oldAddress)
    }
  }
}
