// How the offline packing and its setting are written.

extension HeapEntry {
  static let offlineOptimum = HeapEntry(
    description: HeapDescription(
      name: "offline-optimum", summary: "a packing that knows when every block will be freed",
      parameters: [
        ParameterDescription(
          name: "order", values: "best|lifetime|size|area|time", defaultValue: "best",
          help: "which blocks are placed first; best takes the lowest of all packings")
      ])
  ) { (reader, _) throws(HeapSpecificationError) in
    let words = PackingOrder.allCases.map(\.rawValue)
    let order = try reader.word("order", among: words).flatMap(PackingOrder.init)
    return .offlineOptimum(order ?? .best)
  }
}
