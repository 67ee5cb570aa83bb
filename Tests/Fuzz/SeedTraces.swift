// Small traces with something of everything, for the fuzzer to begin with.

import MemoryUnits
import Trace

/// Writes traces, most of them so small that their columns are not packed: changes of single bytes
/// mean something then.
enum SeedTraces {
  static func write(to directory: String) {
    for seed in 0..<5 {
      do {
        let writer = try TraceWriter(path: "\(directory)/seed\(seed)", metadata: metadata(seed))
        writer.setKeyframes(every: 5)
        writer.setIndexParts(of: seed == 4 ? 3 : 100)
        fill(writer, steps: [8, 14, 24, 60, 200][seed])
        try writer.finish()
      } catch {
        preconditionFailure("\(error)")
      }
    }
  }

  private static func metadata(_ seed: Int) -> TraceMetadata {
    var metadata = TraceMetadata()
    metadata.command = ["seed"]
    metadata.headerBytes = seed == 1 ? 8 : 0
    metadata.startsInMidst = seed == 2
    return metadata
  }

  private static func fill(_ writer: TraceWriter, steps: Int) {
    let threads = [
      writer.thread(ThreadDescription(kernelID: 1, name: "a", began: .zero)),
      writer.thread(ThreadDescription(kernelID: 2, name: "b")),
    ]
    writer.module(
      Module(
        image: 0, range: Address(0x1000)..<Address(0x9000), bias: 0x1000, path: "/x",
        buildID: [1, 2]))
    writer.startBreak(at: Address(0x10_0000), time: .zero)
    var node: UInt32 = 0
    for step in 0..<steps {
      let time = Timestamp(nanoseconds: UInt64(step) * 1500)
      let thread = threads[step / 7 % 2]
      if step % 5 == 0 {
        node = writer.node(
          parent: node, returnAddress: UInt64(0x1000 + step * 16), image: 0,
          generation: step % 10 == 0 ? 0 : 0xffff)
      }
      let stack = writer.stack(node: node, entry: step % 3 == 0 ? .new : .malloc)
      one(writer, step, stack, thread, time)
      if step % 12 == 11 { try? writer.flush() }
    }
    writer.replaceImage(time: Timestamp(nanoseconds: UInt64(steps) * 1500))
  }

  private static func one(
    _ writer: TraceWriter, _ step: Int, _ stack: StackID, _ thread: ThreadIndex, _ time: Timestamp
  ) {
    func place(_ index: Int) -> Address { Address(UInt64(0x10_0000 + index % 13 * 64)) }
    let size = ByteCount(step * 37 % 100)
    switch step % 11 {
    case 0, 1, 2, 3:
      writer.allocate(
        address: place(step), size: size, usable: size + 8,
        alignmentShift: step % 4 == 0 ? 6 : 0, stack: stack, thread: thread, time: time)
    case 4: writer.free(address: place(step - 3), thread: thread, time: time)
    case 5: writer.free(address: place(step - 3), entry: .delete, thread: thread, time: time)
    case 6:
      writer.reallocate(
        old: place(step - 3), new: place(step), size: size, usable: size, stack: stack,
        thread: thread, time: time)
    case 7:
      writer.reallocateBegin(old: place(step - 1), thread: thread, time: time)
      writer.reallocateEnd(
        new: place(step + 2), size: size, usable: size, stack: stack, thread: thread, time: time)
    case 8:
      writer.moveBreak(to: place(step), time: time)
      writer.mark("mark \(step)", thread: thread, time: time)
    case 9:
      writer.side(
        .map(
          range: Address(0x8000)..<Address(0xa000), traits: [.anonymous], stack: stack,
          entry: .mmap), thread: thread, time: time)
      writer.sample(ResidentSample(time: time, resident: 4096, shared: 0))
    default:
      writer.lose(1)
      writer.side(.trim(pad: 5), thread: thread, time: time)
    }
  }
}
