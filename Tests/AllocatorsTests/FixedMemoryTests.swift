// What Shore and Bays measured in memories of fixed size.

import Allocators
import Testing

@Suite struct FixedMemoryTests {
  func product(_ policy: NaivePolicy, _ model: FixedMemoryModel) -> Double {
    let parameters = PublishedFactsTests.byteHeap
    return switch policy {
    case .first: model.timeMemoryProduct(FitHeap<FirstFit>(parameters))
    case .best: model.timeMemoryProduct(FitHeap<BestFit>(parameters))
    case .next: model.timeMemoryProduct(FitHeap<NextFit>(parameters))
    case .worst: model.timeMemoryProduct(FitHeap<WorstFit>(parameters))
    }
  }

  // Shore, CACM 18(8) 1975: the products of the two policies differ by 1 to 3 %; first fit wins where
  // the deviation of the sizes is their mean or more, best fit where it is small.
  @Test(
    "first fit beats best fit on spread sizes, and loses on narrow ones",
    arguments: [
      (SizeSpread.exponential, 0.004...0.025), (.hyperexponential, 0.015...0.06),
      (.uniform, -0.03 ... -0.008), (.normal, -0.03 ... -0.008),
    ])
  func shore(spread: SizeSpread, advantage: ClosedRange<Double>) {
    let model = FixedMemoryModel(memory: 32768, mean: 256, spread: spread, requests: 30_000)
    let first = product(.first, model)
    let best = product(.best, model)
    #expect(advantage.contains(first / best - 1), "first fit \(first), best fit \(best)")
    // Both use most of the memory, but not all.
    #expect((0.65...0.95).contains(first))
  }

  // Bays, CACM 20(3) 1977: next fit is decidedly inferior while the mean request is less than about
  // 1/16 of the memory; beyond that all three are alike.
  @Test("next fit falls behind as requests get small, and only then")
  func bays() {
    func lag(_ share: Int) -> Double {
      let mean = 16384.0 / Double(share)
      let model = FixedMemoryModel(
        memory: 16384, mean: mean, spread: .exponential, requests: 25_000)
      let next = product(.next, model)
      return max(product(.first, model), product(.best, model)) / next - 1
    }
    for share in [4, 8, 16] { #expect(abs(lag(share)) < 0.01, "mean 1/\(share)") }
    #expect(lag(64) > 0.015)
    #expect(lag(128) > 0.025)
    #expect(lag(128) > lag(32))
  }
}
