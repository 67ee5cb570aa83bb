// The places in the program that mtrace names.

import Glibc
import MemoryUnits
import Trace

/// Makes modules and stack nodes of what mtrace says about callers.
///
/// An object is given a range of addresses of its own, from 2^62 on, because mtrace does not say where
/// it lay; what it says is the address within the object.
struct MtracePlaces {
  private static let firstBias: UInt64 = 1 << 62
  /// More than any object has.
  private static let objectBytes: UInt64 = 1 << 36
  private static let maximumObjects = 1 << 20

  private let writer: TraceWriter
  private var biases: [String: UInt64] = [:]
  private var nodes: [UInt64: UInt32] = [:]
  /// The object of the line before, which is mostly that of this one.
  private var last: (name: [UInt8], bias: UInt64)?

  init(_ writer: TraceWriter) { self.writer = writer }

  /// Reads `object:(function+offset)[0xpc] `; nil where that is not there.
  mutating func node(_ line: inout LineCursor) -> UInt32? {
    guard let bracket = line.lastIndex(of: "] "), var place = line.prefix(UInt64(bracket)) else {
      return nil
    }
    line.skip(2)
    guard let opening = place.lastIndex(of: "["), let object = place.prefix(UInt64(opening)),
      place.take("["), let address = place.number(), place.isAtEnd
    else { return nil }
    let returnAddress = absolute(address, in: object)
    if let known = nodes[returnAddress] { return known }
    let isInObject = returnAddress >= Self.firstBias
    let node = writer.node(
      parent: 0, returnAddress: returnAddress, image: 0, generation: isInObject ? 0 : 0xffff)
    nodes[returnAddress] = node
    return node
  }

  /// Moves an address into the range of its object; one that is absolute stays what it is.
  private mutating func absolute(_ address: UInt64, in object: LineCursor) -> UInt64 {
    var name = object
    guard address < Self.objectBytes, let end = name.lastIndex(of: ":"),
      let path = name.prefix(UInt64(end)), !path.isAtEnd
    else { return address }
    let bytes = UnsafeBufferPointer(start: path.next, count: path.count)
    if let last, last.name.elementsEqual(bytes) { return last.bias &+ address }
    guard let bias = bias(of: path.text) else { return address }
    last = (Array(bytes), bias)
    return bias &+ address
  }

  /// The path from the root, where the file is there: mtrace names programs as they were started.
  private static func absolute(_ path: String) -> String {
    guard let resolved = realpath(path, nil) else { return path }
    defer { free(resolved) }
    return String(cString: resolved)
  }

  private mutating func bias(of path: String) -> UInt64? {
    if let known = biases[path] { return known }
    let absolutePath = Self.absolute(path)
    guard biases.count < Self.maximumObjects else { return nil }
    let bias = Self.firstBias + UInt64(biases.count) * Self.objectBytes
    biases[path] = bias
    writer.module(
      Module(
        image: 0, range: Address(bias)..<Address(bias + Self.objectBytes), bias: bias,
        path: absolutePath,
        buildID: []))
    return bias
  }
}
