// What the writers of tables write, to the letter.

import MemoryUnits
import Testing

@testable import Interchange

@Suite struct TableFormatTests {
  private func events(_ form: TableForm) throws -> String {
    var first = ExportedEvent(operation: "allocate")
    first.nanoseconds = 12
    first.thread = 0
    first.block = .max
    first.address = Address(0xabc_def0)
    first.size = 0
    first.function = "operator new (aligned, nothrow)"
    var second = ExportedEvent(operation: "mark")
    second.note = "a \"b\"\n\u{1}\\é"
    return try written { sink in
      var table = ExportedEventTable(as: form, to: sink)
      try table.add(first)
      try table.add(second)
      try table.add(ExportedEvent(operation: "free"))
      try table.finish()
    }
  }

  @Test("csv: quoted where needed, empty where unknown")
  func csv() throws {
    #expect(
      try events(.csv) == """
        time_ns,thread,operation,block,address,old_address,size,usable,alignment,stack,function
        12,0,allocate,18446744073709551615,0xabcdef0,,0,,,,"operator new (aligned, nothrow)"
        ,,mark,,,,,,,,
        ,,free,,,,,,,,

        """)
  }

  @Test("ndjson: escaped where needed, no key where unknown")
  func ndjson() throws {
    #expect(
      try events(.ndjson) == #"""
        {"timeNanoseconds":12,"thread":0,"operation":"allocate","block":18446744073709551615,"address":"0xabcdef0","size":0,"function":"operator new (aligned, nothrow)"}
        {"operation":"mark","note":"a \"b\"\n\u0001\\é"}
        {"operation":"free"}

        """#)
  }

  @Test("numbers of every length, in pieces of any size")
  func numbers() throws {
    var pieces = 0
    var expected = ""
    let text = try {
      let collector = Collector()
      var output = ByteOutput { bytes in
        pieces += 1
        collector.bytes.append(contentsOf: bytes)
      }
      for round in 0..<2000 {
        for number in [0, 9, 10, 12_345, UInt64.max, UInt64(round)] {
          output.put(decimal: number)
          output.put(hexadecimal: number)
          output.put(decimal: Int64(bitPattern: number))
          expected += "\(number)0x\(String(number, radix: 16))\(Int64(bitPattern: number))"
        }
        try output.settle()
      }
      output.put(decimal: Int64.min)
      expected += "\(Int64.min)"
      try output.flush()
      return String(decoding: collector.bytes, as: UTF8.self)
    }()
    #expect(text == expected)
    #expect(pieces > 2)
  }

  @Test("chrome: times to the nanosecond")
  func chrome() throws {
    let text = try written { sink in
      var trace = ChromeTrace(processID: 3, name: "p", to: sink)
      trace.addInstant("one", at: 1001, thread: 5)
      trace.addInstant("two", at: 2_000_020)
      try trace.add(CourseRecord(nanoseconds: nil, steps: 7, liveBytes: 8, liveBlocks: 1))
      try trace.finish()
    }
    #expect(
      text == """
        {"displayTimeUnit":"ms","traceEvents":[
        {"name":"process_name","ph":"M","pid":3,"args":{"name":"p"}},
        {"name":"one","ph":"i","pid":3,"ts":1.001,"tid":5,"s":"p"},
        {"name":"two","ph":"i","pid":3,"ts":2000.020,"s":"p"},
        {"name":"heap bytes","ph":"C","pid":3,"ts":7,"args":{"live":8}},
        {"name":"live blocks","ph":"C","pid":3,"ts":7,"args":{"blocks":1}}
        ]}

        """)
  }

  @Test("minimalloc: what does not end lives to the end, what has no bytes is left out")
  func minimalloc() throws {
    var first = BlockRecord(number: 0, block: 0, firstEvent: 3, size: 32)
    first.lastEvent = 9
    var second = BlockRecord(number: 1, block: 1, firstEvent: 4, size: 64)
    second.alignment = 4096
    let text = try written { sink in
      var problem = MinimallocProblem(to: sink)
      for block in [first, second, BlockRecord(number: 2, block: 2, firstEvent: 5, size: 0)] {
        try problem.add(block, events: 20, defaultAlignment: 16)
      }
      try problem.finish()
    }
    #expect(text == "id,lower,upper,size,alignment\n0,3,9,32,16\n1,4,20,64,4096\n")
  }
}
