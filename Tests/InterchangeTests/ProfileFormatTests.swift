// What the writers of profiles write, to the letter.

import MemoryUnits
import Testing

@testable import Interchange

/// Collects what a writer writes.
func written(_ write: (@escaping ByteSink) throws -> Void) rethrows -> String {
  let collector = Collector()
  try write { collector.bytes.append(contentsOf: $0) }
  return String(decoding: collector.bytes, as: UTF8.self)
}

final class Collector { var bytes: [UInt8] = [] }

/// A profile with recursion, an inlined function, an unknown one, and names that need care.
func smallProfile() -> HeapProfile {
  typealias Line = HeapProfile.Line
  let locations = [
    HeapProfile.Location(
      address: Address(0x1010), module: 0,
      lines: [
        Line(function: "inner", file: "a.c", line: 7, module: "app"),
        Line(function: "outer", file: "a.c", line: 12, module: "app"),
      ]),
    HeapProfile.Location(
      address: Address(0x1020), module: 0,
      lines: [Line(function: "main", file: "a.c", line: 30, module: "app")]),
    HeapProfile.Location(
      address: Address(0x1030), module: 0,
      lines: [Line(function: "walk(a;b)#1", module: "app")]),
    HeapProfile.Location(
      address: Address(0x9000), module: nil,
      lines: [Line(function: "0x9000", isNamed: false)]),
  ]
  func sample(_ stack: [Int], _ figures: [Int64]) -> HeapProfile.Sample {
    HeapProfile.Sample(
      stack: stack,
      figures: HeapFigures(
        allocatedBlocks: figures[0], allocatedBytes: figures[1], liveBlocks: figures[2],
        liveBytes: figures[3]))
  }
  return HeapProfile(
    moment: "peak", nanoseconds: 5_000_000, startedAt: 1000, command: ["app", "-x \"y\""],
    comments: ["a comment"],
    modules: [
      HeapProfile.Module(
        path: "/bin/app", buildID: "beef", range: Address(0x1000)..<Address(0x2000))
    ],
    locations: locations,
    samples: [
      sample([0, 1], [3, 300, 2, 200]), sample([2, 2, 2, 1], [1, 50, 1, 50]),
      sample([3], [4, 40, 0, 0]), sample([1], [0, 0, 0, 0]),
    ])
}

@Suite struct ProfileFormatTests {
  @Test("folded: outermost first, inlined functions last, zeros left out")
  func folded() throws {
    #expect(
      try written { try FoldedStacks.write(smallProfile(), metric: .inuseSpace, to: $0) }
        == "main;outer;inner 200\nmain;walk(a:b)#1;walk(a:b)#1;walk(a:b)#1 50\n")
    #expect(
      try written { try FoldedStacks.write(smallProfile(), metric: .allocObjects, to: $0) }
        == "0x9000 4\nmain;outer;inner 3\nmain;walk(a:b)#1;walk(a:b)#1;walk(a:b)#1 1\n")
  }

  @Test("callgrind: recursion counts once, names stand once")
  func callgrind() throws {
    let text = try written {
      try CallgrindProfile.write(smallProfile(), creator: "test", to: $0)
    }
    let body = text.split(separator: "summary: ", maxSplits: 1).last.map(String.init)
    #expect(
      body == """
        250 3 390 8

        ob=(1) app
        fl=(1) a.c
        fn=(1) inner
        7 200 2 300 3

        ob=(1)
        fl=(1)
        fn=(2) outer
        cob=(1)
        cfi=(1)
        cfn=(1)
        calls=3 7
        12 200 2 300 3

        ob=(1)
        fl=(1)
        fn=(3) main
        cob=(1)
        cfi=(1)
        cfn=(2)
        calls=3 12
        30 200 2 300 3
        cob=(1)
        cfi=(2) ???
        cfn=(4) walk(a;b)#1
        calls=1 0
        30 50 1 50 1

        ob=(1)
        fl=(2)
        fn=(4)
        0 50 1 50 1
        cob=(1)
        cfi=(2)
        cfn=(4)
        calls=1 0
        0 50 1 50 1

        ob=(2) ???
        fl=(2)
        fn=(5) 0x9000
        0 0 0 40 4

        totals: 250 3 390 8

        """)
    #expect(text.hasPrefix("# callgrind format\nversion: 1\ncreator: test\n"))
    #expect(text.contains("\nevents: LiveBytes LiveBlocks AllocBytes AllocBlocks\n"))
  }

  @Test("speedscope: frames are shared, samples are outermost first")
  func speedscope() throws {
    let text = try written {
      try SpeedscopeFile.write([smallProfile()], name: "n", exporter: "e", to: $0)
    }
    #expect(text.contains(#"{"name":"inner","file":"a.c","line":7}"#))
    #expect(text.contains(#"{"name":"walk(a;b)#1","file":"app"}"#))
    #expect(
      text.contains(
        #"""
        "name":"live bytes at peak","unit":"bytes","startValue":0,"endValue":250,
        "samples":[[2,1,0],[2,3,3,3]],
        "weights":[200,50]}
        """#))
    #expect(text.contains(#""samples":[[2,1,0],[2,3,3,3],[4]],"#))
  }

  @Test("massif: branches to callers, small ones summed up, no number signs")
  func massif() throws {
    var profile = smallProfile()
    profile.samples.append(
      HeapProfile.Sample(stack: [3, 1], figures: HeapFigures(liveBlocks: 1, liveBytes: 2)))
    let course = MassifProfile(
      command: ["app", "#1"], usesTimes: true,
      snapshots: [
        MassifProfile.Snapshot(time: 0, liveBytes: 0, extraBytes: 0),
        MassifProfile.Snapshot(
          time: 5, liveBytes: 252, extraBytes: 20, profile: profile, isPeak: true),
      ])
    #expect(
      try written { try course.write(creator: "test", to: $0) } == """
        desc: test
        cmd: app .1
        time_unit: ms
        #-----------
        snapshot=0
        #-----------
        time=0
        mem_heap_B=0
        mem_heap_extra_B=0
        mem_stacks_B=0
        heap_tree=empty
        #-----------
        snapshot=1
        #-----------
        time=5
        mem_heap_B=252
        mem_heap_extra_B=20
        mem_stacks_B=0
        heap_tree=peak
        n3: 252 (heap allocation functions) malloc/new/new[], --alloc-fns, etc.
         n1: 200 0x1010: inner (a.c:7), inlined in outer (a.c:12)
          n0: 200 0x1020: main (a.c:30)
         n1: 50 0x1030: walk(a;b).1 (in app)
          n1: 50 0x1030: walk(a;b).1 (in app)
           n1: 50 0x1030: walk(a;b).1 (in app)
            n0: 50 0x1020: main (a.c:30)
         n0: 2 in 1 place below massif's threshold (1.00%)

        """)
  }

  @Test("dhat: stacks that read alike are one")
  func dhat() throws {
    let locations = smallProfile().locations + [smallProfile().locations[1]]
    var sample = LifetimeProfile.Sample(stack: [0, 1])
    sample.allocatedBlocks = 2
    sample.allocatedBytes = 20
    sample.lifetimes = 7
    sample.largestBytes = 10
    var twin = sample
    twin.stack = [0, 4]
    let text = try written {
      try DHATProfile.write(
        LifetimeProfile(
          command: ["app"], processID: 9, usesTimes: false, peak: 3, end: 8,
          locations: locations, samples: [sample, twin]), to: $0)
    }
    #expect(
      text == """
        {"dhatFileVersion":2,"mode":"heap","verb":"Allocated","bklt":true,"bkacc":false
        ,"tu":"steps","Mtu":"Msteps","tuth":500,"cmd":"app","pid":9
        ,"tg":3,"te":8
        ,"pps":[
        {"tb":40,"tbk":4,"tl":14,"mb":20,"mbk":0,"gb":0,"gbk":0,"eb":0,"ebk":0,"fs":[1,2,3]}
        ],"ftbl":[
        "[root]",
        "0x1010: inner (a.c:7)",
        "0x1010: outer (a.c:12)",
        "0x1020: main (a.c:30)"
        ]}

        """)
  }

  @Test("an error of the sink ends the writing")
  func failure() {
    struct Full: Error {}
    var calls = 0
    #expect(throws: Full.self) {
      try FoldedStacks.write(smallProfile(), metric: .inuseSpace) { _ in
        calls += 1
        throw Full()
      }
    }
    #expect(throws: Full.self) { try PprofProfile.write(smallProfile()) { _ in throw Full() } }
    #expect(calls == 1)
  }
}
