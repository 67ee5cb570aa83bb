// Sizes as users write and read them.

import MemoryUnits
import Testing

@Suite struct ByteCountTests {
  @Test(
    "reads what users write",
    arguments: [
      ("0", 0), ("4096", 4096), ("64k", 65536), ("1.5M", 1_572_864), ("2G", 2_147_483_648),
      ("2GiB", 2_147_483_648), ("1KB", 1024), ("3b", 3), ("1T", 1_099_511_627_776),
    ])
  func reads(text: String, bytes: Int) {
    #expect(ByteCount(parsing: text) == ByteCount(bytes))
  }

  @Test(
    "refuses what is no size",
    arguments: ["", "k", "-1", "1x", "1e3", "one", "1..2", "0x10", "99999999T", "٣"])
  func refuses(text: String) {
    #expect(ByteCount(parsing: text) == nil)
  }

  @Test(
    "writes three digits and a unit",
    arguments: [
      (0, "0 B"), (999, "999 B"), (1000, "0.98 KiB"), (1536, "1.50 KiB"), (10_240, "10.0 KiB"),
      (327_155_712, "312 MiB"), (-2048, "-2.00 KiB"), (1_048_576, "1.00 MiB"),
    ])
  func writes(bytes: Int, text: String) {
    #expect(ByteCount(bytes).description == text)
  }

  @Test("rounds up to powers of two")
  func rounds() {
    #expect(ByteCount(1).roundedUp(to: 16) == 16)
    #expect(ByteCount(16).roundedUp(to: 16) == 16)
    #expect(ByteCount(0).roundedUp(to: 4096) == 0)
  }
}
