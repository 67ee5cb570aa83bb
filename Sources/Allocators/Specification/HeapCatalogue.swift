// The heaps that there are, with all their settings, for help texts and for the parser.

/// A setting of a heap.
public struct ParameterDescription: Hashable, Sendable {
  /// As it is written.
  public let name: String
  /// What one may write, as in `never|always|<bytes>`.
  public let values: String
  /// In canonical form.
  public let defaultValue: String
  /// What it does, in a phrase.
  public let help: String
}

/// A heap that a specification may name.
public struct HeapDescription: Hashable, Sendable {
  /// As it is written.
  public let name: String
  /// What it does, in a phrase.
  public let summary: String
  /// In the order of the canonical form.
  public let parameters: [ParameterDescription]
}

/// All heaps that specifications may name.
public enum HeapCatalogue {
  /// The heaps, in the order in which help shows them.
  public static let heaps: [HeapDescription] = [
    HeapDescription(
      name: "recorded", summary: "the addresses that the traced program really got",
      parameters: []),
    HeapDescription(
      name: "first-fit", summary: "the hole of lowest address that is large enough",
      parameters: fitParameters),
    HeapDescription(
      name: "best-fit", summary: "the smallest hole that is large enough",
      parameters: fitParameters),
    HeapDescription(
      name: "next-fit", summary: "the first hole that is large enough behind the last placement",
      parameters: fitParameters),
    HeapDescription(
      name: "worst-fit", summary: "the largest hole", parameters: fitParameters),
    HeapDescription(
      name: "buddy", summary: "binary buddies: powers of two, halved and rejoined",
      parameters: buddyParameters),
  ]

  /// The heap of exactly this name.
  public static func heap(named name: String) -> HeapDescription? {
    heaps.first { $0.name == name }
  }

  private static let fitParameters = [
    ParameterDescription(
      name: "header", values: "<bytes up to 1M>", defaultValue: "0",
      help: "bytes that each block costs on top of its size"),
    ParameterDescription(
      name: "align", values: "<power of two up to 256M>", defaultValue: "16",
      help: "addresses and granted sizes are multiples of this"),
    ParameterDescription(
      name: "min", values: "<bytes from 1 to 1G>", defaultValue: "16",
      help: "smallest piece left over by a split; a smaller rest stays with the block"),
    ParameterDescription(
      name: "growth", values: "<bytes from 1 to 1T>", defaultValue: "4k",
      help: "the heap is extended by multiples of this"),
    ParameterDescription(
      name: "trim", values: "never|always|<bytes>", defaultValue: "never",
      help: "free space at the top goes back to the system at once, or when it exceeds so much"),
    ParameterDescription(
      name: "order", values: "address", defaultValue: "address",
      help: "the order in which holes are looked at"),
    ParameterDescription(
      name: "coalesce", values: "immediate", defaultValue: "immediate",
      help: "when a freed block joins its free neighbours"),
  ]

  private static let buddyParameters = [
    ParameterDescription(
      name: "min", values: "<power of two up to 1G>", defaultValue: "32",
      help: "the smallest block"),
    ParameterDescription(
      name: "header", values: "<bytes up to 1M>", defaultValue: "0",
      help: "bytes that each block costs on top of its size, before rounding"),
    ParameterDescription(
      name: "growth", values: "<power of two up to 1G>", defaultValue: "4k",
      help: "the smallest block that the heap takes from the system"),
  ]
}
