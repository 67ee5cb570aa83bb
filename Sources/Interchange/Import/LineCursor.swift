// The parts of a line of text: numbers, words, punctuation.

/// Reads a line from left to right.
struct LineCursor {
  private(set) var next: UnsafePointer<UInt8>
  let end: UnsafePointer<UInt8>

  init?(_ line: UnsafeBufferPointer<UInt8>) {
    guard let base = line.baseAddress else { return nil }
    next = base
    end = base + line.count
  }

  private init(_ next: UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>) {
    self.next = next
    self.end = end
  }

  var isAtEnd: Bool { next == end }
  var count: Int { end - next }
  var peek: UInt8? { next < end ? next.pointee : nil }

  /// Whether nothing but spaces follows.
  var isBlank: Bool {
    var rest = self
    rest.skipSpaces()
    return rest.isAtEnd
  }

  @inline(__always)
  mutating func skipSpaces() {
    while next < end && (next.pointee == 0x20 || next.pointee == 0x09) { next += 1 }
  }

  mutating func skip(_ bytes: Int) { next += min(bytes, count) }

  /// Goes past that byte, if it is next.
  @inline(__always)
  mutating func take(_ byte: UInt8) -> Bool {
    guard next < end, next.pointee == byte else { return false }
    next += 1
    return true
  }

  /// Goes past that text, if it is next.
  @inline(__always)
  mutating func take(_ text: StaticString) -> Bool {
    let count = text.utf8CodeUnitCount
    guard self.count >= count else { return false }
    for offset in 0..<count where next[offset] != text.utf8Start[offset] { return false }
    next += count
    return true
  }

  /// Goes past the first place where that text stands; stays where it is if there is none.
  mutating func takeThrough(_ text: StaticString) -> Bool {
    var rest = self
    while !rest.isAtEnd {
      if rest.take(text) {
        self = rest
        return true
      }
      rest.next += 1
    }
    return false
  }

  /// A decimal number below 2^64.
  @inline(__always)
  mutating func decimal() -> UInt64? {
    var value: UInt64 = 0
    var position = next
    while position < end {
      let digit = position.pointee &- 0x30
      guard digit < 10 else { break }
      let (product, overflow) = value.multipliedReportingOverflow(by: 10)
      let (sum, carry) = product.addingReportingOverflow(UInt64(digit))
      if overflow || carry { return nil }
      value = sum
      position += 1
    }
    guard position > next else { return nil }
    next = position
    return value
  }

  /// A hexadecimal number below 2^64, without anything before it.
  @inline(__always)
  mutating func hexadecimal() -> UInt64? {
    var value: UInt64 = 0
    var position = next
    while position < end, let digit = Self.hexadecimalDigit(position.pointee) {
      guard value >> 60 == 0 else { return nil }
      value = value << 4 | UInt64(digit)
      position += 1
    }
    guard position > next else { return nil }
    next = position
    return value
  }

  @inline(__always)
  private static func hexadecimalDigit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 0x30...0x39: byte &- 0x30
    case 0x61...0x66: byte &- 0x57
    case 0x41...0x46: byte &- 0x37
    default: nil
    }
  }

  /// A number as C writes it: `0x1f`, `31`, `(nil)`, `nil`, `NULL`.
  @inline(__always)
  mutating func number() -> UInt64? {
    if count >= 2, next.pointee == 0x30, next[1] | 0x20 == 0x78 {
      var rest = self
      rest.next += 2
      guard let value = rest.hexadecimal() else { return nil }
      self = rest
      return value
    }
    if let value = decimal() { return value }
    return take("(nil)") || take("nil") || take("NULL") ? 0 : nil
  }

  /// A number after any spaces.
  @inline(__always)
  mutating func spacedNumber() -> UInt64? {
    skipSpaces()
    return number()
  }

  /// The bytes up to that one, which is not passed, or up to the end.
  mutating func field(endedBy byte: UInt8) -> LineCursor {
    let start = next
    while next < end && next.pointee != byte { next += 1 }
    return LineCursor(start, next)
  }

  /// Where that text stands last, counted from here; nil where it does not stand.
  func lastIndex(of text: StaticString) -> Int? {
    let width = text.utf8CodeUnitCount
    var place = count - width
    while place >= 0 {
      var rest = self
      rest.next += place
      if rest.take(text) { return place }
      place -= 1
    }
    return nil
  }

  /// The letters, digits and underscores that come next: the name of a function.
  mutating func identifier() -> LineCursor {
    let start = next
    while next < end {
      let byte = next.pointee
      let isLetter = byte | 0x20 >= 0x61 && byte | 0x20 <= 0x7a
      guard isLetter || byte == 0x5f || byte &- 0x30 < 10 else { break }
      next += 1
    }
    return LineCursor(start, next)
  }

  /// The next `count` bytes, if there are so many.
  mutating func prefix(_ count: UInt64) -> LineCursor? {
    guard count <= UInt64(self.count) else { return nil }
    let start = next
    next += Int(count)
    return LineCursor(start, next)
  }

  /// What follows, as text; what is not UTF-8 is replaced.
  var text: String {
    String(decoding: UnsafeBufferPointer(start: next, count: count), as: UTF8.self)
  }

  /// Whether just that follows.
  func isExactly(_ text: StaticString) -> Bool {
    var rest = self
    return rest.take(text) && rest.isAtEnd
  }
}
