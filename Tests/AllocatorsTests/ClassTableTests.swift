// The size classes of real allocators, as their libraries report them.

import Allocators
import MemoryUnits
import Testing

@Suite struct ClassTableTests {
  /// The small classes of jemalloc 5.3, as malloc_usable_size tells them.
  static let jemalloc = [
    8, 16, 32, 48, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 640, 768, 896,
    1024, 1280, 1536, 1792, 2048, 2560, 3072, 3584, 4096, 5120, 6144, 7168, 8192, 10240, 12288,
    14336,
  ]

  /// What mimalloc 2.0 has beyond those of jemalloc's small classes.
  static let mimallocAbove = [
    16384, 20480, 24576, 28672, 32768, 40960, 49152, 57344, 65536, 81920, 98304, 114688,
    131072,
  ]

  /// The classes of gperftools' tcmalloc, as malloc_usable_size tells them.
  static let tcmalloc = [
    8, 16, 32, 48, 64, 80, 96, 112, 128, 144, 160, 176, 192, 208, 224, 240, 256, 288, 320, 352,
    384, 416, 448, 480, 512, 576, 640, 704, 768, 896, 1024, 1152, 1280, 1408, 1536, 1792, 2048,
    2304, 2560, 2816, 3072, 3328, 4096, 4608, 5120, 6144, 6656, 8192, 9216, 10240, 12288,
    13312, 16384, 20480, 24576, 26624, 32768, 40960, 49152, 57344, 65536, 73728, 81920, 90112,
    98304, 106496, 114688, 122880, 131072, 139264, 147456, 155648, 163840, 172032, 180224,
    188416, 196608, 204800, 212992, 221184, 229376, 237568, 245760, 253952, 262144,
  ]

  @Test("has the tables of the real allocators")
  func realTables() {
    #expect(ClassScheme.jemalloc.sizes == Self.jemalloc)
    #expect(ClassScheme.jemalloc.sizes.count == 36)
    #expect(ClassScheme.mimalloc.sizes == Self.jemalloc + Self.mimallocAbove)
    #expect(ClassScheme.mimalloc.sizes.count == 49)
    #expect(ClassScheme.tcmalloc.sizes == Self.tcmalloc)
    #expect(ClassScheme.tcmalloc.sizes.count == 85)
  }

  @Test("has the simple rules")
  func simpleRules() {
    #expect(ClassScheme.powersOfTwo.sizes == (3...15).map { 1 << $0 })
    #expect(Array(ClassScheme.fibonacci.sizes.prefix(7)) == [16, 32, 48, 80, 128, 208, 336])
    #expect(ClassScheme.perDoubling(1).sizes == ClassScheme.powersOfTwo.sizes)
    #expect(ClassScheme.perDoubling(4).sizes.prefix(36) == Self.jemalloc[...])
    #expect(
      ClassScheme.perDoubling(3).sizes.prefix(12) == [
        8, 16, 32, 48, 64, 96, 112, 128, 176, 224, 256, 352,
      ])
  }

  static let schemes: [ClassScheme] = [
    .powersOfTwo, .fibonacci, .jemalloc, .mimalloc, .tcmalloc, .perDoubling(1), .perDoubling(3),
    .perDoubling(64), .sizes([8]), .sizes([24, 40, 1_048_576]),
  ]

  @Test("finds what a search through the sizes finds", arguments: schemes)
  func lookup(scheme: ClassScheme) {
    let sizes = scheme.sizes
    let table = ClassTable(scheme)
    #expect(table.count == sizes.count)
    #expect(table.largest == sizes.last)
    var wrong = 0
    var expected = 0
    for size in 0...(min(table.largest, 300_000) + 10) {
      while expected < sizes.count, sizes[expected] < size { expected += 1 }
      if table.number(for: size) != (expected < sizes.count ? expected : -1) { wrong += 1 }
    }
    for size in [0, 1, 8, 17, 100, 1000, 4096, 40_000] {
      for power in 0..<15 {
        let alignment = 1 << power
        var first = sizes.firstIndex {
          $0 >= size && (alignment <= 8 || $0 % alignment == 0)
        }
        if alignment > 4096 { first = nil }
        if table.number(for: size, alignment: alignment) != first ?? -1 { wrong += 1 }
      }
    }
    #expect(wrong == 0)
  }
}
