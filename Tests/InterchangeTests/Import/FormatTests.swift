// What each format means, on texts written by hand.

import Interchange
import MemoryUnits
import Testing
import Trace

@Suite struct FormatTests {
  @Test("the same requests in every format", arguments: ShortSource.all)
  func sameRequests(_ source: ShortSource) throws {
    let imported = try Imported(source.bytes(), source.format)
    // Of minimalloc's lifetimes, both end.
    let all = source.format == .minimalloc
    #expect(imported.steps == ["a0 16", "a1 32", "f0"] + (all ? ["f1"] : []))
    #expect(imported.summary.lostEvents == 0)
    let metadata = imported.trace.metadata
    #expect(metadata.knowsAddresses == imported.summary.knowledge.addresses)
    #expect(metadata.knowsTimes == imported.summary.knowledge.times)
    let known = imported.requests.prefix(2).map(\.address.rawValue) == [0x5000, 0x6000]
    #expect(known == metadata.knowsAddresses)
  }

  @Test("every format is guessed from its beginning", arguments: ShortSource.all)
  func guesses(_ source: ShortSource) throws {
    let opened = try ImportSource(bytes: source.bytes(), name: "x")
    #expect(try opened.guessFormat() == source.format)
    // Guessing uses nothing up.
    let summary = try TraceImport.run(opened, format: source.format, to: "/dev/null")
    #expect(summary.allocations == 2)
  }

  @Test func heaptrackKeepsModulesAndStacks() throws {
    let text = try ShortSource(format: .heaptrackRaw).text()
    let imported = try Imported(
      text + "\nm 1 -\nm 1 x 400000 0 1000 1000 2000\nm 7 libx.so 700000 0 1000\nt 700010 2\n"
        + "m 1 -\nm 7 liby.so 700000 0 1000\nt 700020 2\n+ 8 3 7000\n+ 8 4 8000\nR 5\nS *leak*\nA\n",
      .heaptrackRaw)
    let trace = imported.trace
    #expect(trace.metadata.executable == "/bin/app")
    #expect(trace.metadata.command == ["app", "--fast"])
    #expect(trace.metadata.startsInMidst)
    #expect(trace.modules.map(\.path) == ["/bin/app", "libx.so", "liby.so"])
    #expect(trace.modules.map(\.generation) == [0, 1, 2])
    #expect(trace.modules[0].range == Address(0x40_0000)..<Address(0x40_3000))
    #expect(trace.modules[0].bias == 0x40_0000)
    let allocations = imported.requests.filter { $0.operation == .allocate }
    // heaptrack wrote addresses one below those that are returned to.
    #expect(trace.stacks.returnAddresses(of: allocations[0].stack) == [0x40_1335, 0x40_1235])
    #expect(trace.stacks.returnAddresses(of: allocations[1].stack) == [0x40_1235])
    #expect(trace.stacks.frames(of: allocations[2].stack).first?.generation == 1)
    #expect(trace.stacks.frames(of: allocations[3].stack).first?.generation == 2)
    #expect(imported.requests.map(\.time.nanoseconds).first == 0)
    #expect(allocations[1].time.nanoseconds == 10_000_000)
    #expect(imported.summary.skipped == [.aside: 3])
  }

  @Test func blocksOfGlibcHaveHeaders() throws {
    let glibc = "m 15 /lib/x86_64/libc.so.6 7f0000000000 0 1000\n"
    let jemalloc = "m e libjemalloc.so 7f0000000000 0 1000\n"
    for (modules, header, usable) in [
      (glibc, 8, 24), (glibc + jemalloc, 0, 17), (jemalloc, 0, 17),
    ] {
      let imported = try Imported("v 10400 3\n\(modules)+ 11 0 5000\n", .heaptrackRaw)
      #expect(imported.trace.metadata.headerBytes == header)
      #expect(imported.requests[0].usable.rawValue == Int64(usable))
    }
    let imported = try Imported("+ 0x5000 0x19\n", .mtrace)
    #expect(imported.requests[0].usable == 40)
  }

  @Test func heaptrackInterpretedIsRefused() throws {
    #expect(throws: ImportError.self) {
      try Imported("v 10400 3\ns main\ni 400000 1 1\nt 1 0\na 10 1\n+ 0\n", .heaptrackRaw)
    }
  }

  @Test func malloclabVariants() throws {
    let imported = try Imported(
      "# made by hand\r\n20\r\n2\r\n5\r\n1\r\n0 a 0 512\r\n1 a 1 128\r\n0 r 0 640\r\nf -1\r\n"
        + "r 7 64\r\nf 0\r\nf 0\r\na 1 3\r\n",
      .malloclab)
    #expect(imported.steps == ["a0 512", "a1 128", "r0 640", "a2 64", "f0"])
    #expect(imported.trace.metadata.knowsThreads)
    #expect(!imported.trace.metadata.knowsAddresses)
    #expect(
      imported.summary.skipped
        == [.aside: 5, .withoutEffect: 1, .unknownBlock: 1, .takenName: 1])
    #expect(imported.summary.firstSkipped.map(\.line) == [12, 13])
    #expect(imported.summary.lostEvents == 2)
    #expect(imported.trace.summary.lostEvents == 2)
  }

  @Test func androidWithTimes() throws {
    let imported = try Imported(
      "5: malloc 0x10 8 1000 3000\n5: memalign 0x40 64 100 5000 6000\n"
        + "6: realloc 0x80 0x10 24 7000 8000\n6: realloc 0x0 0x40 0 8500 9000\n"
        + "6: free 0x0 9000 9500\n6: free 0x80 10000 11000\n",
      .android)
    #expect(imported.placedSteps == ["a0 8 @10", "a1 100 @40", "r0 24 @80", "f1", "f0"])
    #expect(imported.requests[1].alignment == ByteCount(64))
    #expect(imported.requests.map(\.time.nanoseconds) == [0, 3000, 5000, 6000, 7000])
    #expect(imported.summary.skipped == [.withoutEffect: 1])
  }

  @Test func mtraceReallocationsAndPlaces() throws {
    let imported = try Imported(
      "= Start\n@ ./a:[0x10] + 0x100 0x10\n@ ./a:(f+0x3)[0x20] < 0x100\n@ ./a:(f+0x3)[0x20] > 0x200 0x20\n"
        + "+ 0x300 0x8\n! 0x300 0xffffff\n@ lib:[0x10] < 0x300\n@ lib:[0x10] - 0x200\n"
        + "@ lib:[0x7ffff7dd1234] + 0x400 0x1\n- 0x0\n",
      .mtrace)
    #expect(
      imported.placedSteps == ["a0 16 @100", "r0 32 @200", "a1 8 @300", "f1", "f0", "a0 1 @400"])
    #expect(imported.summary.skipped == [.aside: 1, .withoutEffect: 2, .unfinished: 1])
    let trace = imported.trace
    #expect(trace.modules.map(\.path) == ["./a", "lib"])
    let frame = try #require(trace.stacks.frames(of: imported.requests[1].stack).first)
    #expect(frame.returnAddress - trace.modules[0].bias == 0x20)
    let absolute = try #require(trace.stacks.frames(of: imported.requests[5].stack).first)
    #expect(absolute.returnAddress == 0x7fff_f7dd_1234)
    #expect(absolute.generation == 0xffff)
  }

  @Test func valgrindVariants() throws {
    let imported = try Imported(
      "--00:00:00:01.500 9-- _Znwm(8) = 0x10\n--00:00:00:02.000 9-- realloc(0x0,33)malloc(33) = 0x20\n"
        + "hello\n--00:00:00:02.000 10-- malloc(1) = 0x90\n"
        + "--00:00:01:00.000 9-- realloc(0x20,0)free(0x20)\n--00:00:01:00.000 9--  = 0\n"
        + "--00:00:01:00.000 9-- memalign(al 64, size 200) = 0x40\n--00:00:01:00.000 9-- _ZdlPv(0x10)\n"
        + "--00:00:01:00.000 9-- malloc(99999999999999) = 0x0\n--9-- malloc(\n",
      .valgrind)
    #expect(imported.placedSteps == ["a0 8 @10", "a1 33 @20", "f1", "a1 200 @40", "f0"])
    #expect(imported.requests[3].alignment == ByteCount(64))
    #expect(imported.requests[0].entry == .new)
    #expect(imported.requests[4].entry == .delete)
    #expect(imported.requests[1].time.nanoseconds == 500_000_000)
    #expect(imported.requests[2].time.nanoseconds == 58_500_000_000)
    #expect(
      imported.summary.skipped
        == [.otherOutput: 1, .otherProcess: 1, .aside: 1, .withoutEffect: 1, .malformed: 1])
  }

  @Test(
    "the prefixes that ltrace can write",
    arguments: [
      ("malloc(8) = 0x10", nil, nil), ("[pid 7] malloc(8) = 0x10", 7, nil),
      ("7 malloc(8) = 0x10", 7, nil), ("   0.000138 malloc(8) = 0x10", nil, nil),
      ("[pid 7] 07:46:49 app->malloc(8) = 0x10 <0.0001>", 7, nil),
      ("07:46:49.612821 malloc@libc.so.6(8) = 0x10", nil, nil),
      ("7 1795420009.431784 [0x7ff516c4dc47] malloc(8) = 0x10", 7, 0x7ff5_16c4_dc47),
    ] as [(String, Int32?, UInt64?)])
  func ltracePrefixes(_ line: String, _ thread: Int32?, _ place: UInt64?) throws {
    let imported = try Imported(line, .ltrace)
    #expect(imported.placedSteps == ["a0 8 @10"])
    #expect(imported.trace.metadata.knowsThreads == (thread != nil))
    #expect(imported.trace.metadata.knowsStacks == (place != nil))
    if let thread { #expect(imported.trace.threads[0].kernelID == thread) }
    let frames = imported.trace.stacks.returnAddresses(of: imported.requests[0].stack)
    #expect(frames.first == place)
  }

  @Test func ltraceTimes() throws {
    let relative = try Imported(
      "0.5 malloc(8) = 0x10\n0.25 malloc(8) = 0x20\n1.000001 free(0x10) = <void>\n", .ltrace)
    #expect(relative.requests.map(\.time.nanoseconds) == [0, 250_000_000, 1_250_001_000])
    let midnight = try Imported(
      "23:59:59.5 malloc(8) = 0x10\n00:00:00.5 free(0x10) = <void>\n", .ltrace)
    #expect(midnight.requests.map(\.time.nanoseconds) == [0, 1_000_000_000])
  }

  @Test func ltraceInterruptedCalls() throws {
    let imported = try Imported(
      "[pid 1] malloc(100 <unfinished ...>\n[pid 2] malloc(50 <unfinished ...>\n"
        + "[pid 2] <... malloc resumed> )  = 0x20\n[pid 2] free(0x20 <unfinished ...>\n"
        + "[pid 1] <... malloc resumed> )  = 0x20\n[pid 2] <... free resumed> ) = <void>\n"
        + "[pid 1] posix_memalign(0x7ffe, 64, 200, 0) = 0\n[pid 1] calloc(3, 5 <unfinished ...>\n"
        + "[pid 1] puts(\"x\") = 2\n",
      .ltrace)
    #expect(imported.placedSteps == ["a0 50 @20", "f0", "a0 100 @20"])
    #expect(imported.requests.map(\.thread.rawValue) == [0, 0, 1])
    #expect(imported.summary.skipped == [.hiddenAddress: 1, .unfinished: 1, .otherOutput: 1])
  }

  @Test func jemallocFromKdump() throws {
    let imported = try Imported(
      "  31532 app USER  0x801 = malloc(64)\n  31532 app USER  0x802 = realloc(0x801, 128)\n"
        + "  31533 app USER  0x901 = malloc(64)\n  31532 app CALL  open\n"
        + "  31532 app USER  free(0x802)\n",
      .jemallocUtrace)
    #expect(imported.placedSteps == ["a0 64 @801", "r0 128 @802", "f0"])
    #expect(imported.summary.skipped == [.otherProcess: 1, .otherOutput: 1])
  }

  @Test func logallocMunged() throws {
    let imported = try Imported(
      "1 1 malloc(32)=#1\n1 1 calloc(1,148)=#2\n1 2 realloc(#1,64)=#1\n"
        + "1 1 posix_memalign(256,240)=#3\n1 1 jemalloc_stats()\n2 1 malloc(9)=#9\n1 1 free(#1)\n"
        + "1 1 realloc(#0,5)=#1\n1 1 realloc(#3,0)=#0\n",
      .logalloc)
    #expect(imported.steps == ["a0 32", "a1 148", "r0 64", "a2 240", "f0", "a0 5", "f2"])
    #expect(!imported.trace.metadata.knowsAddresses)
    #expect(imported.trace.metadata.knowsThreads)
    #expect(imported.requests[3].alignment == ByteCount(256))
    #expect(imported.summary.skipped == [.aside: 1, .otherProcess: 1])
    let other = try Imported("1 1 malloc(32)=#1\n2 1 malloc(9)=#9\n", .logalloc, processID: 2)
    #expect(other.steps == ["a0 9"])
  }

  @Test func minimallocSolutionsHaveAddresses() throws {
    let imported = try Imported(
      "id,lower,upper,size,offset\nb,-2,3,16,0\nc,3,4,16,0\nd,0,9,32,16\ne,5,5,1,0\n", .minimalloc)
    #expect(
      imported.placedSteps == [
        "a0 16 @100000000", "a1 32 @100000010", "f0", "a0 16 @100000000", "f0", "f1",
      ])
    #expect(imported.trace.metadata.knowsAddresses)
    #expect(!imported.trace.metadata.knowsTimes)
    #expect(imported.requests.map(\.time.nanoseconds) == [0, 2000, 5000, 5000, 6000, 11000])
    #expect(imported.summary.skipped == [.malformed: 1])
  }

  @Test func workloadThreadsWaitForEachOther() throws {
    // The second thread frees what the first allocates, and is listed first.
    let first: [UInt8] = [7, 1, 5, 1, 1]
    let second: [UInt8] = [2, 1, 0x82, 0, 6, 1, 4, 2, 0, 9, 12, 3, 64, 7, 5, 0, 1]
    let head: [UInt8] = [8, 4, 9, 2, 10, 2, 11, 11, 11, 16, 1]
    let imported = try Imported(head + first + second, .djWorkload)
    #expect(imported.steps == ["a0 256", "a1 9", "a2 7", "f0"])
    #expect(imported.requests[2].alignment == ByteCount(64))
    #expect(imported.trace.threads.count == 2)
    #expect(imported.summary.skipped == [.withoutEffect: 1])
    // Two that wait for each other are let go on.
    let stuck: [UInt8] = [8, 1, 9, 2, 10, 2, 11, 11, 11, 17, 1]
    let waiting = try Imported(
      stuck + [7, 1, 2, 1, 8, 1] + [7, 2, 2, 2, 8, 1], .djWorkload)
    #expect(waiting.steps == ["a0 8", "a1 8"])
    #expect(waiting.summary.lostEvents == 2)
  }

  @Test func tablesByNumber() throws {
    let csv = try Imported(
      "operation,extra,block,size\nallocate,\"a,\"\"b\",5,100\nmap,,,\nreallocate,,5,200\nfree,,5,\n"
        + "free,,5,\nallocate,,6\nallocate,,x,1\n",
      .csv)
    #expect(csv.steps == ["a0 100", "r0 200", "f0"])
    #expect(!csv.trace.metadata.knowsAddresses)
    #expect(csv.summary.skipped == [.aside: 1, .unknownBlock: 1, .malformed: 2])
    #expect(throws: ImportError.self) { try Imported("time,size\n1,2\n", .csv) }
  }

  @Test func tablesOfReplacedImagesAndInterruptedReallocations() throws {
    let head = "operation,address,old_address,size\n"
    let imported = try Imported(
      head + "allocate,0x10,,1\nallocate,0x20,,2\nreallocateBegin,0x10,,\nallocate,0x10,,3\n"
        + "reallocate,0x30,,4\nabandon,0x10,,\nallocate,0x10,,5\nfree,0x99,,\n"
        + "abandon,0x20,,\nabandon,0x30,,\nabandon,0x10,,\nallocate,0x40,,6\n", .csv)
    #expect(
      imported.steps == [
        "a0 1", "a1 2", "reallocateBegin", "a0 3", "reallocateEnd", "x0", "a0 5", "u", "x1", "x2",
        "x0", "a0 6",
      ])
    #expect(imported.summary.reallocations == 1)
    #expect(imported.summary.lostEvents == 0)
  }

  @Test func tablesKeepAllTheirColumns() throws {
    let text = try ShortSource(format: .csv).text()
    let imported = try Imported(text, .csv)
    let requests = imported.requests
    #expect(requests.map(\.time.nanoseconds) == [0, 1000, 4000])
    #expect(requests.map(\.usable.rawValue).prefix(2) == [24, 40])
    #expect(requests[1].alignment == ByteCount(64))
    #expect(requests.map(\.entry) == [.malloc, .new, .free])
    #expect(imported.trace.metadata.knowsThreads)
  }
}
