// Tables, metadata and errors of trace files.

import Glibc
import MemoryUnits
import TestSupport
import Testing
import Trace

@Suite struct TableTests {
  let directory = TemporaryDirectory()

  @Test("metadata: the last ones hold") func metadata() throws {
    var metadata = TraceMetadata()
    metadata.command = ["ls", "-l", "naïve \"quoted\"\n"]
    metadata.startedAt = 1_700_000_000.25
    metadata.processID = 77
    metadata.knowsTimes = false
    let writer = try TraceWriter(path: directory.file("trace"), metadata: metadata)
    #expect(try TraceFile(path: directory.file("trace")).metadata == metadata)
    writer.metadata.executable = "/usr/bin/ls"
    writer.metadata.processID = .max
    try writer.finish()
    metadata.executable = "/usr/bin/ls"
    metadata.processID = .max
    #expect(try TraceFile(path: directory.file("trace")).metadata == metadata)
  }

  @Test("metadata that change the rule for usable sizes do not change what was written before")
  func changedRule() throws {
    let path = directory.file("trace")
    let writer = try TraceWriter(path: path, metadata: TraceMetadata())
    func allocate(_ address: UInt64) throws {
      try writer.feed(
        .allocate(
          address: address, size: 10, usable: 24, alignmentShift: 0, stack: 0, thread: 0, time: 0))
    }
    try allocate(1)
    writer.metadata.headerBytes = 8
    try allocate(2)
    try writer.flush()
    try allocate(3)
    try writer.finish()
    #expect(try steps(of: TraceFile(path: path)).map(\.usable) == [24, 24, 24])
  }

  @Test("modules, threads with late names, samples") func tables() throws {
    let path = directory.file("trace")
    let modules = (0..<100).map { index in
      Module(
        image: UInt32(index / 50), range: Address(UInt64(index) << 40)..<Address(UInt64.max),
        bias: UInt64.max - UInt64(index), path: "/lib/lib \(index).so",
        buildID: Array(repeating: UInt8(index), count: index % 21))
    }
    let samples = (0..<100).map { index in
      ResidentSample(
        time: Timestamp(nanoseconds: UInt64(index) * 1_234_567),
        resident: ByteCount(Int64.max - Int64(index)), shared: ByteCount(-index))
    }
    let writer = try TraceWriter(path: path, metadata: TraceMetadata())
    for (index, module) in modules.enumerated() {
      writer.module(module)
      writer.sample(samples[index])
      #expect(
        writer.thread(ThreadDescription(kernelID: Int32(index) - 50, name: ""))
          == ThreadIndex(UInt32(index)))
      if index % 7 == 0 { try writer.flush() }
    }
    writer.renameThread(ThreadIndex(3), to: "early")
    writer.renameThread(ThreadIndex(3), to: "late")
    try writer.finish()
    let file = try TraceFile(path: path)
    #expect(file.isComplete)
    #expect(file.modules == modules)
    #expect(file.samples == samples)
    #expect(file.threads.map(\.kernelID) == Array(-50..<50))
    #expect(file.threads[3].name == "late" && file.threads[4].name == "")
  }

  @Test("stacks: paths to the root, found again, over several chunks") func stacks() throws {
    let path = directory.file("trace")
    let writer = try TraceWriter(path: path, metadata: TraceMetadata())
    var random = SeededRandom(seed: 5)
    var paths: [[UInt64]] = [[]]
    var images: [UInt32] = [0]
    for id in 1...150_000 {
      let parent = Int.random(in: max(0, id - 1000)..<id, using: &random)
      let address =
        Bool.random(using: &random)
        ? UInt64.random(in: 0...UInt64.max, using: &random) : UInt64(id % 100)
      let image = UInt32(id / 60_000)
      #expect(writer.node(parent: UInt32(parent), returnAddress: address, image: image) == id)
      // The whole path only where it is compared below.
      paths.append(id < 2000 ? [address] + paths[parent] : [address])
      images.append(image)
    }
    #expect(writer.stack(node: 0, entry: .unknown) == .unknown)
    var stacks: [(node: Int, entry: EntryPoint)] = [(0, .unknown)]
    for node in 0..<70_000 {
      let entry = node % 3 == 0 ? EntryPoint.malloc : .posixMemalign
      #expect(writer.stack(node: UInt32(node), entry: entry).index == stacks.count)
      stacks.append((node, entry))
    }
    #expect(writer.stack(node: 44, entry: .posixMemalign) == StackID(45))
    try writer.finish()
    let table = try TraceFile(path: path).stacks
    #expect(table.count == stacks.count)
    for (id, stack) in stacks.enumerated() {
      let stackID = StackID(UInt32(id))
      #expect(table.entry(of: stackID) == stack.entry)
      #expect(table.image(of: stackID) == images[stack.node])
      let found = table.returnAddresses(of: stackID)
      if stack.node < 2000 {
        #expect(found == paths[stack.node])
      } else {
        #expect(found.first == paths[stack.node].first)
      }
    }
    #expect(table.entry(of: StackID(.max)) == .unknown)
    #expect(table.returnAddresses(of: StackID(.max)).isEmpty)
  }

  @Test("steps carry the entry point of their stack") func entries() throws {
    let path = directory.file("trace")
    let writer = try TraceWriter(path: path, metadata: TraceMetadata())
    for entry in EntryPoint.allCases {
      let stack = writer.stack(node: 0, entry: entry)
      writer.reallocateEnd(
        new: Address(UInt64(entry.rawValue)), size: 1, usable: 1, stack: stack,
        thread: ThreadIndex(0), time: .zero)
    }
    try writer.finish()
    var found: [EntryPoint] = []
    try TraceFile(path: path).read(addresses: false) { found += $0.map(\.entry) }
    #expect(found == EntryPoint.allCases)
  }

  @Test("the errors of files that are no traces") func errors() throws {
    func error(_ path: String) -> TraceError? {
      do {
        _ = try TraceFile(path: path)
        return nil
      } catch {
        return error
      }
    }
    let missing = directory.file("missing")
    #expect(error(missing) == .cannotOpen(path: missing, reason: "No such file or directory"))
    #expect(error(directory.path) == .isDirectory(path: directory.path))
    guard case .cannotOpen = error("/dev/null") else {
      Issue.record("a device is no trace")
      return
    }
    let path = directory.file("file")
    write([], to: path)
    #expect(error(path) == .empty(path: path))
    write(Array("hello".utf8), to: path)
    #expect(error(path) == .notATrace(path: path))
    write(Array(repeating: 0x89, count: 5000), to: path)
    #expect(error(path) == .notATrace(path: path))
    let head: [UInt8] = [0x89, 0x4c, 0x41, 0x43, 0x55, 0x4e, 0x41, 0x0a]
    write(head + [3, 0, 0, 0] + crcOf(head + [3, 0, 0, 0]), to: path)
    let newer = TraceError.newerVersion(path: path, found: 3, supported: 2)
    #expect(error(path) == newer)
    #expect("\(newer)".contains("version 3") && "\(newer)".contains(path))
  }

  private func crcOf(_ bytes: [UInt8]) -> [UInt8] {
    var crc = UInt32.max
    for byte in bytes {
      crc ^= UInt32(byte)
      for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xedb8_8320 : crc >> 1 }
    }
    return (0..<4).map { UInt8(truncatingIfNeeded: ~crc >> UInt32($0 * 8)) }
  }

  @Test("a path that cannot be written fails at once") func badPath() {
    let path = directory.file("missing/trace")
    #expect(throws: TraceError.cannotWrite(path: path, reason: "No such file or directory")) {
      try TraceWriter(path: path, metadata: TraceMetadata())
    }
  }

  @Test("a full disk is remembered and thrown at the end") func fullDisk() throws {
    #expect(throws: TraceError.self) {
      let writer = try TraceWriter(path: "/dev/full", metadata: TraceMetadata())
      try writer.finish()
    }
  }

  @Test("an older file is emptied at once, and finishing twice is harmless") func truncates() throws
  {
    let path = directory.file("trace")
    write(Array(repeating: 1, count: 100_000), to: path)
    let writer = try TraceWriter(path: path, metadata: TraceMetadata())
    #expect(contents(of: path).count < 2000)
    try writer.finish()
    let bytes = contents(of: path)
    writer.free(address: Address(1), thread: ThreadIndex(0), time: .zero)
    try writer.finish()
    #expect(contents(of: path) == bytes)
    #expect(try TraceFile(path: path).isComplete)
  }

  @Test("the same calls make the same bytes") func deterministic() throws {
    let calls = randomCalls(5000, seed: 1, threads: 4, stacks: 9)
    _ = try record(calls, to: directory.file("a"), stacks: 9, threads: 4)
    _ = try record(calls, to: directory.file("b"), stacks: 9, threads: 4)
    #expect(contents(of: directory.file("a")) == contents(of: directory.file("b")))
  }
}
