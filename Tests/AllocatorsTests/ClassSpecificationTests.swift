// How the heaps of size classes, buddies and partitions are written.

import Allocators
import MemoryUnits
import TestSupport
import Testing

@Suite struct ClassSpecificationTests {
  @Test(
    "writes the canonical form",
    arguments: [
      ("segregated", "segregated"), ("segregated/pages", "segregated"),
      ("segregated(classes=jemalloc,slab=65536,return=always,order=lifo)/pages()", "segregated"),
      ("segregated(return=never,classes=16:48:1024)", "segregated(classes=16:48:1k,return=never)"),
      ("segregated(classes=4-per-doubling)/buddy", "segregated(classes=4-per-doubling)/buddy"),
      ("segregated/pages(growth=1M,trim=always)", "segregated/pages(growth=1M,trim=always)"),
      (
        "slab(classes=powers,objects=8,keep=0)/buddy(min=4k)",
        "slab(classes=powers,keep=0)/buddy(min=4k)"
      ),
      ("slab(partial=oldest,order=address)", "slab(order=address,partial=oldest)"),
      ("segregated(slab=1M)/slab", "segregated(slab=1M)/slab"),
      ("tlsf(sl=5,align=16)", "tlsf"), ("tlsf(sl=4,header=8)", "tlsf(sl=4,header=8)"),
      ("half-fit(align=8)", "half-fit(align=8)"),
      ("segregated-fit(classes=mimalloc)", "segregated-fit(classes=mimalloc)"),
      ("fibonacci-buddy(min=16)", "fibonacci-buddy(min=16)"),
      ("weighted-buddy(growth=1M)", "weighted-buddy(growth=1M)"),
      ("double-buddy(header=8)", "double-buddy(header=8)"),
      ("fixed-partitions(sizes=1M:1M:4M)", "fixed-partitions(sizes=1M:1M:4M)"),
      ("fixed-partitions(count=8,size=1M,sizes=equal)", "fixed-partitions"),
      (
        "fixed-partitions(count=3,size=64k,fit=best)", "fixed-partitions(count=3,size=64k,fit=best)"
      ),
      ("static-partitions(limits=64:1024:32768)", "static-partitions"),
      (
        "static-partitions(by=site,regions=16,size=1M)",
        "static-partitions(by=site,regions=16,size=1M)"
      ),
    ])
  func canonicalForm(text: String, canonical: String) throws {
    let specification = try HeapSpecification(parsing: text)
    #expect(specification.description == canonical)
    #expect(try HeapSpecification(parsing: canonical) == specification)
  }

  @Test(
    "refuses what is no scheme and no partition",
    arguments: [
      "segregated(classes=)", "segregated(classes=17)", "segregated(classes=16:16)",
      "segregated(classes=32:16)", "segregated(classes=16::32)", "segregated(classes=2M)",
      "segregated(classes=0-per-doubling)", "segregated(classes=65-per-doubling)",
      "segregated(classes=-1-per-doubling)", "segregated(classes=dlmalloc)", "segregated(slab=1k)",
      "segregated(slab=1G)", "segregated/recorded", "slab/recorded", "slab(objects=0)",
      "slab(objects=4097)", "slab(keep=-1)", "tlsf(sl=7)", "tlsf(order=lifo)", "pages(align=8)",
      "fixed-partitions(sizes=1k)", "fixed-partitions(sizes=4k:)", "fixed-partitions(count=0)",
      "fixed-partitions(count=5000)", "fixed-partitions(size=5k)", "fixed-partitions(size=0)",
      "fixed-partitions(size=32G)",
      "static-partitions(limits=64:64)", "static-partitions(regions=257)",
      "static-partitions(size=1)", "tlsf/pages", "weighted-buddy(min=33)",
    ])
  func refusals(text: String) {
    #expect(throws: HeapSpecificationError.self) { try HeapSpecification(parsing: text) }
  }

  /// Sizes and alignments beyond all reason, then something plain.
  struct Provocation: HeapVisitor {
    mutating func visit<H: Heap & ~Copyable>(_ made: consuming H) -> [String] {
      var heap = made
      var wrong: [String] = []
      let sizes: [Int64] = [
        .max, .min, -1, 0, 1, 1 << 62, 1 << 50, 1 << 49, (1 << 49) - 1, 1 << 48, 1 << 42,
      ]
      for size in sizes {
        for alignment in sizes + [3, 4096, 1 << 20, 1 << 40] {
          let request = BlockRequest(size: ByteCount(size), alignment: ByteCount(alignment))
          let placement = heap.allocate(request)
          if placement.granted <= .zero { wrong.append("granted \(placement)") }
          let again = heap.reallocate(placement, oldSize: ByteCount(size), to: request)
          heap.free(again)
        }
      }
      // So much that the arena has no room left.
      var blocks: [Placement] = []
      var random = SeededRandom(seed: 1)
      for index in 0..<300 {
        let small = index % 3 == 0
        let request = BlockRequest(
          size: ByteCount(small ? Int64(index) : 1 << 42),
          alignment: ByteCount(small ? 64 : Int64(1) << 30))
        blocks.append(heap.allocate(request))
      }
      for (index, block) in blocks.enumerated() {
        let alignment: UInt64 = index % 3 == 0 ? 64 : 1 << 30
        if block.address.rawValue % alignment != 0 {
          wrong.append("\(block.address) is not aligned")
        }
      }
      let sorted = blocks.sorted { $0.address < $1.address }
      for (low, high) in zip(sorted, sorted.dropFirst()) where low.end > high.address {
        wrong.append("\(low) overlaps \(high)")
      }
      blocks.shuffle(using: &random)
      for block in blocks { heap.free(block) }
      var held: Int64 = 0
      for change in heap.heldChanges {
        held += change.range.byteCount.rawValue * (change.isGrowth ? 1 : -1)
        if change.range.isEmpty { wrong.append("an empty held change") }
      }
      if held < 0 { wrong.append("gave back more than it got") }
      if heap.allocate(BlockRequest(size: 64)).granted < 64 { wrong.append("too small") }
      return wrong
    }
  }

  @Test(
    "survives sizes and alignments beyond all reason, and an arena that is full",
    arguments: [
      "pages", "segregated", "segregated(order=address)", "segregated(classes=8,return=never)",
      "segregated(classes=1M)", "segregated/first-fit(header=24,align=8)", "slab", "slab/buddy",
      "slab(classes=1M,objects=4096,keep=0)/slab", "slab/tlsf", "segregated/double-buddy",
      "tlsf", "tlsf(sl=0,align=1,min=1)", "tlsf(sl=6,header=1M)", "half-fit", "segregated-fit",
      "segregated-fit(classes=8:1M,align=1)", "segregated-fit(align=256M)", "fibonacci-buddy",
      "fibonacci-buddy(min=1G)", "weighted-buddy", "weighted-buddy(min=1,header=1M)",
      "double-buddy", "double-buddy(min=1G,growth=1G)", "fixed-partitions",
      "fixed-partitions(count=4096,size=16G)", "static-partitions",
      "static-partitions(by=site,regions=256,size=4k)",
    ])
  func provocation(text: String) throws {
    var provocation = Provocation()
    let wrong = try HeapSpecification(parsing: text).kind.build(&provocation)
    #expect(wrong == [])
  }
}
