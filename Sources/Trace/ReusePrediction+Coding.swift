// How addresses become codes, and codes addresses.

/// The addresses of a chunk under construction.
struct AddressColumns {
  var codes = Column(capacity: TraceFormat.stepsPerChunk)
  var literals = Column(capacity: 10 * TraceFormat.stepsPerChunk)
  var drops = Column(capacity: 10 * TraceFormat.stepsPerChunk)

  func deallocate() {
    codes.deallocate()
    literals.deallocate()
    drops.deallocate()
  }

  mutating func removeAll() {
    codes.removeAll()
    literals.removeAll()
    drops.removeAll()
  }
}

extension ReusePrediction {
  /// Appends the address of a block that begins as the `ordinal`th of the chunk, with so many usable
  /// bytes instead of the `expected` ones; `old` is the block of the chunk that it replaces, or -1.
  @inline(__always)
  mutating func write(
    _ address: UInt64, usable: UInt64, expected: UInt64, ordinal: Int, old: Int, thread: Int,
    live: borrowing LiveBlocks, to columns: inout AddressColumns
  ) {
    let expectedExtent = extent(expected)
    let requestClass = sizeClass(expectedExtent)
    let head = head(thread: thread, requestClass)
    let first = head.pointee
    let code: UInt8
    if first != Self.none && addresses[Int(first)] == address {
      head.pointee = nexts[Int(first)]
      code = Code.top
      columns.codes.byte(code)
    } else {
      code = writeMiss(
        address, expectedExtent, requestClass, old: old, thread: thread, live: live, to: &columns)
    }
    note(
      ordinal, address, extent: usable == expected ? expectedExtent : extent(usable),
      requestClass: requestClass, thread: thread, code: code)
  }

  /// What remains where the first entry of the list is another block.
  @inline(never)
  private func writeMiss(
    _ address: UInt64, _ expectedExtent: UInt64, _ requestClass: Int, old: Int, thread: Int,
    live: borrowing LiveBlocks, to columns: inout AddressColumns
  ) -> UInt8 {
    let head = head(thread: thread, requestClass)
    var dropped: UInt64 = 0
    while head.pointee != Self.none {
      let first = addresses[Int(head.pointee)]
      guard first != address, live.contains(first) else { break }
      head.pointee = nexts[Int(head.pointee)]
      dropped &+= 1
    }
    let (code, literal) =
      listed(address, head).map { ($0, nil) }
      ?? placed(address, expectedExtent, requestClass, old: old, thread: thread)
    columns.codes.byte(dropped > 0 ? code | Code.drops : code)
    if dropped > 0 { columns.drops.varint(dropped) }
    if let literal { columns.literals.varint(literal) }
    return code
  }

  /// Takes an address from the first entries of a list; returns its code, or nil.
  @inline(__always)
  private func listed(_ address: UInt64, _ head: UnsafeMutablePointer<UInt32>) -> UInt8? {
    var link = head
    for rank in 0...Code.ranks {
      let entry = Int(link.pointee)
      guard entry != Int(Self.none) else { return nil }
      if addresses[entry] == address {
        link.pointee = nexts[entry]
        return rank == 0 ? Code.top : Code.firstRank &+ rank &- 1
      }
      link = nexts + entry
    }
    return nil
  }

  /// The code of an address that is in no list, with its literal if it has one.
  @inline(__always)
  private func placed(
    _ address: UInt64, _ expectedExtent: UInt64, _ requestClass: Int, old: Int, thread: Int
  ) -> (UInt8, UInt64?) {
    let state = state(thread: thread)
    if address == state.pointee.behindPlaced { return (Code.behindPlaced, nil) }
    if address == state.pointee.behindLast { return (Code.behindLast, nil) }
    if old >= 0 && addresses[old] == address { return (Code.inPlace, nil) }
    if address == state.pointee.lastFreed { return (Code.lastFreed, nil) }
    let fromClass = Int64(bitPattern: address &- lastOfClass[requestClass])
    if fromClass == Int64(bitPattern: expectedExtent) { return (Code.behindClass, nil) }
    let fromLiteral = Int64(bitPattern: address &- lastLiteral)
    if fromLiteral & 15 == 0 && fromLiteral.magnitude <= fromClass.magnitude {
      return (Code.fromLiteral, zigzag(fromLiteral &>> 4))
    }
    if fromClass & 15 == 0 { return (Code.fromClass, zigzag(fromClass &>> 4)) }
    return (Code.bytesFromLiteral, zigzag(fromLiteral))
  }
}

/// The addresses of a chunk being read.
struct AddressCursor {
  var codes: ColumnCursor
  var literals: ColumnCursor
  var drops: ColumnCursor
}

extension ReusePrediction {
  /// Reads the address of a block; nil where the columns do not add up.
  @inline(__always)
  mutating func read(
    _ cursor: inout AddressCursor, usable: UInt64, expected: UInt64, ordinal: Int, old: Int,
    thread: Int
  ) -> UInt64? {
    let expectedExtent = extent(expected)
    let requestClass = sizeClass(expectedExtent)
    var code = cursor.codes.byte()
    let address: UInt64
    if code == Code.top {
      let head = head(thread: thread, requestClass)
      let first = Int(head.pointee)
      guard first != Int(Self.none) else { return nil }
      head.pointee = nexts[first]
      address = addresses[first]
    } else {
      guard
        let found = readMiss(
          &code, &cursor, expectedExtent, requestClass, old: old, thread: thread)
      else { return nil }
      if cursor.literals.isOverrun || cursor.drops.isOverrun { return nil }
      address = found
    }
    note(
      ordinal, address, extent: usable == expected ? expectedExtent : extent(usable),
      requestClass: requestClass, thread: thread, code: code)
    return address
  }

  /// What remains where the code is not that of the first entry.
  ///
  /// Takes the flag off the code.
  @inline(never)
  private func readMiss(
    _ code: inout UInt8, _ cursor: inout AddressCursor, _ expectedExtent: UInt64,
    _ requestClass: Int, old: Int, thread: Int
  ) -> UInt64? {
    let head = head(thread: thread, requestClass)
    if code & Code.drops != 0 {
      code &= ~Code.drops
      var dropped = cursor.drops.varint()
      if cursor.drops.isOverrun { return nil }
      while dropped > 0 {
        guard head.pointee != Self.none else { return nil }
        head.pointee = nexts[Int(head.pointee)]
        dropped &-= 1
      }
    }
    let state = state(thread: thread)
    switch code {
    case Code.top: return take(0, head)
    case Code.behindPlaced: return state.pointee.behindPlaced
    case Code.behindLast: return state.pointee.behindLast
    case Code.inPlace: return old >= 0 ? addresses[old] : nil
    case Code.behindClass: return lastOfClass[requestClass] &+ expectedExtent
    case Code.lastFreed: return state.pointee.lastFreed
    case Code.fromLiteral:
      return lastLiteral &+ UInt64(bitPattern: unzigzag(cursor.literals.varint()) &<< 4)
    case Code.fromClass:
      return lastOfClass[requestClass]
        &+ UInt64(bitPattern: unzigzag(cursor.literals.varint()) &<< 4)
    case Code.bytesFromLiteral:
      return lastLiteral &+ UInt64(bitPattern: unzigzag(cursor.literals.varint()))
    case Code.firstRank..<Code.firstRank + Code.ranks:
      return take(Int(code &- Code.firstRank) + 1, head)
    default: return nil
    }
  }

  /// Takes the entry with so many before it from a list.
  @inline(__always)
  private func take(_ rank: Int, _ head: UnsafeMutablePointer<UInt32>) -> UInt64? {
    var link = head
    for _ in 0..<rank {
      guard link.pointee != Self.none else { return nil }
      link = nexts + Int(link.pointee)
    }
    guard link.pointee != Self.none else { return nil }
    let entry = Int(link.pointee)
    link.pointee = nexts[entry]
    return addresses[entry]
  }
}
