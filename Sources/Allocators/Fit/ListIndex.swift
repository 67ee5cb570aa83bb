// Choosing from a list of holes as its scan would: by place on the list, or by length, then place.

/// A list of holes and what its policy needs to choose from it in O(log n).
@usableFromInline
struct ListIndex: ~Copyable {
  private let policy: FitPolicyName
  private var list: HoleList
  /// For best and worst fit: the numbers of the holes, in order of length.
  private var lengths = SizeTree()

  @usableFromInline
  init(_ policy: FitPolicyName, _ order: HoleOrder) {
    self.policy = policy
    let scans = policy == .firstFit || policy == .nextFit
    list = HoleList(newestFirst: order == .lifo, keepsTrees: scans)
  }

  private var isMeasured: Bool { !list.keepsTrees }

  // MARK: Changes

  @usableFromInline
  mutating func append(_ start: Int, _ length: Int) {
    if list.isFull { renumber() }
    let number = list.append(start, length)
    if isMeasured { lengths.insert(number, length) }
  }

  @usableFromInline
  mutating func remove(_ start: Int, _ length: Int) {
    let number = list.remove(start)
    if isMeasured { lengths.remove(number, length) }
  }

  @usableFromInline
  mutating func move(_ start: Int, _ length: Int, to newStart: Int, _ newLength: Int) {
    let number = list.move(start, to: newStart, newLength)
    guard isMeasured else { return }
    lengths.remove(number, length)
    lengths.insert(number, newLength)
  }

  @inline(never)
  private mutating func renumber() {
    let numbers = list.renumber()
    guard isMeasured else { return }
    lengths.removeAll()
    for number in numbers { lengths.insert(number, list[number].length) }
  }

  // MARK: Choosing

  /// The start of the hole that the scan would choose, or -1.
  @usableFromInline
  mutating func choose(_ query: FitQuery, _ inspected: inout UInt64) -> Int {
    var number = -1
    var scanned = list.count
    switch policy {
    case .firstFit:
      number = firstFitting(query, from: 0)
      if number >= 0 { scanned = list.rank(number) &+ 1 }
    case .nextFit:
      (number, scanned) = nextFitting(query)
    case .bestFit: number = shortestFitting(query)
    case .worstFit: number = longestFitting(query)
    }
    inspected &+= UInt64(truncatingIfNeeded: scanned)
    return number < 0 ? -1 : list[number].start
  }

  private func fits(_ query: FitQuery, _ number: Int) -> Bool {
    query.alignment == 1 || query.fits(list[number].start, list[number].length)
  }

  private func firstFitting(_ query: FitQuery, from first: Int) -> Int {
    var number = list.first(from: first, atLeast: query.length)
    while number >= 0, !fits(query, number) {
      number = list.first(from: number + 1, atLeast: query.length)
    }
    return number
  }

  private mutating func nextFitting(_ query: FitQuery) -> (number: Int, scanned: Int) {
    let before = list.rank(list.rover)
    var number = firstFitting(query, from: list.rover)
    var scanned = list.count
    if number >= 0 {
      scanned = list.rank(number) &+ 1 &- before
    } else {
      number = firstFitting(query, from: 0)
      guard number >= 0 else { return (-1, scanned) }
      scanned = list.count &- before &+ list.rank(number) &+ 1
    }
    list.rover = number
    return (number, scanned)
  }

  private func shortestFitting(_ query: FitQuery) -> Int {
    var hole = lengths.first(atLeast: query.length)
    while hole.start >= 0, !fits(query, hole.start) {
      hole = lengths.first(atLeast: hole.length, from: hole.start + 1)
    }
    return hole.start
  }

  private func longestFitting(_ query: FitQuery) -> Int {
    var length = lengths.greatestLength(below: Int.max)
    while length >= query.length {
      var hole = lengths.first(atLeast: length)
      while hole.start >= 0, hole.length == length {
        if fits(query, hole.start) { return hole.start }
        hole = lengths.first(atLeast: length, from: hole.start + 1)
      }
      length = lengths.greatestLength(below: length)
    }
    return -1
  }
}
