// Names the stacks of a trace for formats that show them.

import Interchange
import MemoryUnits
import Symbols
import Trace

/// Names stacks, and numbers those that look different.
final class StackNamer {
  private struct Version: Hashable {
    var image: UInt32
    var generation: UInt16
  }

  /// The files, the program itself first.
  let modules: [HeapProfile.Module]
  /// All places that the stacks met so far go through.
  private(set) var locations: [HeapProfile.Location] = []
  /// The stacks met so far: indices of locations, innermost first.
  private(set) var stacks: [[Int]] = []

  private let table: StackTable
  private let symbolizer: Symbolizer
  private let foldsAllocators: Bool
  private let modulesOfVersion: [Version: [(range: Range<Address>, index: Int)]]
  private var kinds: [FrameKind] = []
  private var locationOfCode: [CodeAddress: Int] = [:]
  private var unknownLocation: Int?
  private var siteOfStack: [[Int]: Int] = [:]

  /// - Parameter foldsAllocators: whether the functions of allocators at the inner ends of stacks are
  ///   left out.
  init(_ trace: TraceFile, foldsAllocators: Bool = false) {
    table = trace.stacks
    symbolizer = Symbolizer(of: trace)
    self.foldsAllocators = foldsAllocators
    let executable = trace.metadata.executable
    let inOrder =
      trace.modules.filter { $0.path == executable }
      + trace.modules.filter { $0.path != executable }
    modules = inOrder.map { module in
      HeapProfile.Module(
        path: module.path, buildID: Self.hexadecimal(module.buildID), range: module.range)
    }
    var places: [Version: [(range: Range<Address>, index: Int)]] = [:]
    for (index, module) in inOrder.enumerated() {
      let version = Version(image: module.image, generation: module.generation)
      places[version, default: []].append((module.range, index))
    }
    modulesOfVersion = places
  }

  /// What stood in the way of naming functions.
  var problems: [SymbolProblem] { symbolizer.problems }

  /// The number of a stack among those that look different, from 0 on.
  func site(of stack: StackID) -> Int {
    let places = locations(of: stack)
    if let known = siteOfStack[places] { return known }
    siteOfStack[places] = stacks.count
    stacks.append(places)
    return stacks.count - 1
  }

  /// The places that a stack goes through, innermost first; never none.
  func locations(of stack: StackID) -> [Int] {
    var places = table.frames(of: stack).map(location)
    if foldsAllocators, let first = places.firstIndex(where: { kinds[$0] != .allocator }) {
      places.removeSubrange(..<first)
    }
    return places.isEmpty ? [unknown] : places
  }

  /// The place to name when one asks who allocated: the innermost one that is the user's own.
  func site(among places: [Int]) -> Int {
    places.first { kinds[$0] == .user } ?? places.first { kinds[$0] != .allocator } ?? places[0]
  }

  private var unknown: Int {
    if let unknownLocation { return unknownLocation }
    let line = HeapProfile.Line(function: "(unknown)", isNamed: false)
    unknownLocation = append(
      HeapProfile.Location(address: .zero, module: nil, lines: [line]), .user)
    return locations.count - 1
  }

  private func location(_ code: CodeAddress) -> Int {
    if let known = locationOfCode[code] { return known }
    let frame = symbolizer.frame(at: code)
    // The call itself: the return address may belong to another line, or function, already.
    let address = Address(code.returnAddress &- 1)
    let line = HeapProfile.Line(
      function: frame.function, file: frame.file ?? "", line: frame.line ?? 0,
      module: frame.module, isNamed: frame.isResolved)
    let version = Version(image: code.image, generation: code.generation)
    let module = modulesOfVersion[version]?.last { $0.range.contains(address) }?.index
    let index = append(
      HeapProfile.Location(address: address, module: module, lines: [line]), frame.kind)
    locationOfCode[code] = index
    return index
  }

  private func append(_ location: HeapProfile.Location, _ kind: FrameKind) -> Int {
    locations.append(location)
    kinds.append(kind)
    return locations.count - 1
  }

  private static func hexadecimal(_ bytes: [UInt8]) -> String {
    bytes.map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
  }
}
