// A heap of page runs, the usual ground of the layers, and how it is written.

public import MemoryUnits

/// The settings of a heap of page runs.
///
/// Such a heap is best fit with everything in whole pages of 4 KiB: of the shortest free runs that
/// are long enough it takes the one of lowest address, and free neighbours join at once.
public struct PagesParameters: Hashable, Sendable {
  /// The heap takes from the system, and gives back, multiples of this, rounded up to pages.
  public var growth = ByteCount.page
  /// When free pages at the top go back to the system.
  public var trim = TrimRule.never

  /// The defaults.
  public init() {}

  /// The defaults but for what is named.
  public init(growth: ByteCount = .page, trim: TrimRule = .never) {
    self.growth = growth
    self.trim = trim
  }

  /// The same as settings of a fit heap.
  public var fit: FitParameters {
    FitParameters(align: .page, min: .page, growth: growth, trim: trim)
  }
}

extension PagesParameters {
  static let entry = HeapEntry(
    description: HeapDescription(
      name: "pages", summary: "runs of whole pages: the shortest that is long enough",
      parameters: FitParameters.descriptions.filter { ["growth", "trim"].contains($0.name) })
  ) { (reader, _) throws(HeapSpecificationError) in
    let fit = try FitParameters(reader)
    return .pages(PagesParameters(growth: fit.growth, trim: fit.trim))
  }

  var texts: [String: String] { fit.texts.filter { ["growth", "trim"].contains($0.key) } }
}
