// heaptrack's raw format: what `heaptrack --raw` writes, before heaptrack_interpret has seen it.

import MemoryUnits
import Trace

/// Reads heaptrack's raw format, versions 2 and 3 (heaptrack's libheaptrack.cpp writes it).
///
/// Numbers are hexadecimal. A line begins with a letter:
/// `v` version and file version; `x` length and path of the executable; `X` the command line; `I`
/// bytes of a page and pages of memory; `m` a module: length and path (`-`: all are gone, `x`: the
/// executable), load address, and address and size of each segment; `t` a node of the stack tree:
/// address and parent; `+` an allocation: size, node, address; `-` a free; `c` milliseconds; `R`
/// resident pages; `S` a suppression; `A`: attached to a process that ran.
///
/// heaptrack knows neither threads nor functions nor alignments, and a `realloc` is a free and an
/// allocation. Times come every 10 ms.
struct HeaptrackImporter: LineImporter {
  /// The version of heaptrack (1.3.0) that began to write the address before the return address.
  private static let callAddressVersion: UInt64 = 0x10300

  private let builder: ImportBuilder
  private var modules: HeaptrackModules
  /// The node of the trace for each of heaptrack's, which are numbered from 1 on.
  private var nodes: [UInt32] = [0]
  private var hasSizedStrings = false
  private var writesCallAddresses = true
  private var isStarted = false

  init(_ builder: ImportBuilder, _ options: ImportOptions) {
    self.builder = builder
    modules = HeaptrackModules()
    builder.summary.knowledge = SourceKnowledge(addresses: true, stacks: true, times: true)
    builder.setTime(0)
    builder.note("heaptrack has a time every 10 ms only, and writes a realloc as free and malloc")
  }

  mutating func read(_ line: LineCursor, number: UInt64) throws(ImportError) -> SkipReason? {
    var line = line
    let mode = line.peek ?? 0
    line.skip(1)
    guard line.take(0x20) || line.isAtEnd else { return .malformed }
    switch mode {
    case UInt8(ascii: "+"): return allocate(&line)
    case UInt8(ascii: "-"):
      guard let address = line.hexadecimal() else { return .malformed }
      builder.free(Address(address), entry: .unknown, thread: builder.onlyThread)
      return nil
    case UInt8(ascii: "t"): return node(&line)
    case UInt8(ascii: "c"):
      guard let time = line.hexadecimal() else { return .malformed }
      builder.setTime(min(time, 1 << 40) * 1_000_000)
      return nil
    case UInt8(ascii: "R"), UInt8(ascii: "S"), UInt8(ascii: "I"): return .aside
    case UInt8(ascii: "m"): return module(&line)
    default: return try head(mode, &line, number)
    }
  }

  private mutating func allocate(_ line: inout LineCursor) -> SkipReason? {
    guard let size = line.hexadecimal(), line.take(0x20), let index = line.hexadecimal(),
      line.take(0x20), let address = line.hexadecimal()
    else { return .malformed }
    guard size <= ImportBuilder.largestSize else { return .outOfRange }
    if !isStarted { start() }
    // A node whose line is damaged is an unknown stack.
    let node = index < UInt64(nodes.count) ? nodes[Int(index)] : 0
    builder.allocate(
      Address(address), size, stack: builder.writer.stack(node: node, entry: .unknown),
      thread: builder.onlyThread)
    return nil
  }

  /// All modules of the start are known when the first block begins.
  private mutating func start() {
    isStarted = true
    guard let path = modules.glibc else { return }
    builder.assumeGlibc(path)
    builder.note("the heap is taken for that of \(path): 8 bytes of header, rounded to 16")
  }

  private mutating func node(_ line: inout LineCursor) -> SkipReason? {
    guard let address = line.hexadecimal(), line.take(0x20), let parent = line.hexadecimal(),
      parent < UInt64(nodes.count)
    else {
      // Nodes are numbered by their lines.
      nodes.append(0)
      return .malformed
    }
    let returnAddress = writesCallAddresses ? address &+ 1 : address
    nodes.append(
      builder.writer.node(
        parent: nodes[Int(parent)], returnAddress: returnAddress, image: 0,
        generation: modules.generation(of: returnAddress &- 1)))
    return nil
  }

  private mutating func module(_ line: inout LineCursor) -> SkipReason? {
    guard let name = string(&line) else { return .malformed }
    if name.isExactly("-") {
      modules.removeAll()
      return nil
    }
    guard line.take(0x20), let bias = line.hexadecimal() else { return .malformed }
    var lower = UInt64.max
    var upper: UInt64 = 0
    while line.take(0x20), let address = line.hexadecimal(), line.take(0x20),
      let size = line.hexadecimal()
    {
      let (end, overflow) = address.addingReportingOverflow(size)
      guard !overflow else { return .outOfRange }
      lower = min(lower, address)
      upper = max(upper, end)
    }
    let path = name.isExactly("x") ? builder.metadata.executable : name.text
    guard lower < upper else { return .aside }
    let (start, startOverflow) = bias.addingReportingOverflow(lower)
    let (end, endOverflow) = bias.addingReportingOverflow(upper)
    guard !startOverflow, !endOverflow else { return .outOfRange }
    guard let new = modules.add(path: path, range: start..<end, bias: bias) else { return nil }
    builder.writer.module(new)
    return nil
  }

  /// A string: after its length, or up to the next space in older files.
  private func string(_ line: inout LineCursor) -> LineCursor? {
    guard hasSizedStrings else { return line.field(endedBy: 0x20) }
    guard let length = line.hexadecimal(), line.take(0x20) else { return nil }
    return line.prefix(length)
  }

  private mutating func head(
    _ mode: UInt8, _ line: inout LineCursor, _ number: UInt64
  ) throws(ImportError) -> SkipReason? {
    switch mode {
    case UInt8(ascii: "v"):
      guard let version = line.hexadecimal() else { return .malformed }
      let fileVersion = line.take(0x20) ? line.hexadecimal() ?? 1 : 1
      hasSizedStrings = fileVersion >= 3
      writesCallAddresses = version >= Self.callAddressVersion
    case UInt8(ascii: "x"): builder.metadata.executable = string(&line)?.text ?? ""
    case UInt8(ascii: "X"):
      builder.metadata.command = line.text.split(separator: " ").map(String.init)
    case UInt8(ascii: "A"): builder.metadata.startsInMidst = true
    case UInt8(ascii: "s"), UInt8(ascii: "i"), UInt8(ascii: "a"):
      throw .malformedLine(
        path: builder.sourceName, line: number,
        expected:
          "heaptrack's raw format; this was interpreted already, which leaves the addresses "
          + "out: record with heaptrack --raw")
    default: return .malformed
    }
    return nil
  }
}
