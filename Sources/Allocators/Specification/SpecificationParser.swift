// Reading heap specifications: name, or name(key=value,...), or several of these with slashes between.

internal import MemoryUnits

/// A recursive-descent parser of specifications.
///
///     specification = layer { "/" layer }
///     layer         = name [ "(" [ setting { "," setting } ] ")" ]
///     setting       = name "=" value
///
/// Spaces may stand between all parts.
struct SpecificationParser {
  static let limit = SpecificationCursor.limit
  /// More layers make no sense, and each costs time at every request.
  static let layerLimit = 8

  private var cursor: SpecificationCursor

  init(_ text: some StringProtocol) { cursor = SpecificationCursor(text) }

  mutating func parse() throws(HeapSpecificationError) -> HeapKind {
    if cursor.isTooLong { throw error(.tooLong(limit: Self.limit), at: cursor.count) }
    var layers: [(entry: HeapEntry, settings: [String: SettingReader.Setting])] = []
    while true {
      let layer = try parseLayer()
      layers.append(layer)
      cursor.skipSpaces()
      if cursor.isAtEnd { break }
      let slash = cursor.position
      guard cursor.take("/") else {
        let hasSettings = cursor.lastTaken == ")"
        let what = hasSettings ? "'/' or the end" : "'(', '/' or the end"
        throw error(.expected(what), at: cursor.position)
      }
      let name = layer.entry.description.name
      if layer.entry.description.below == .nothing { throw error(.bottom(name), at: slash) }
      if layers.count == Self.layerLimit {
        throw error(.tooManyLayers(limit: Self.layerLimit), at: slash)
      }
    }
    if let last = layers.last?.entry.description {
      switch last.below {
      case .nothing: break
      case .optional(let name):
        if let entry = HeapCatalogue.entry(named: name) { layers.append((entry, [:])) }
      case .required: throw error(.bottomless(last.name), at: cursor.count)
      }
    }
    var kind: HeapKind?
    for (entry, settings) in layers.reversed() {
      if let below = kind, below.relocatesBlocks {
        let reason = "a heap that moves blocks cannot stand below \(entry.description.name)"
        throw error(.unfit(reason), at: 0)
      }
      let reader = SettingReader(heap: entry.description, settings: settings, parser: self)
      kind = try entry.make(reader, kind)
    }
    guard let kind else { throw error(.missingName, at: 0) }
    return kind
  }

  private mutating func parseLayer() throws(HeapSpecificationError) -> (
    entry: HeapEntry, settings: [String: SettingReader.Setting]
  ) {
    cursor.skipSpaces()
    let start = cursor.position
    let name = cursor.word()
    if name.isEmpty { throw error(.missingName, at: start) }
    guard let entry = HeapCatalogue.entry(named: name) else {
      let nearest = SpecificationProblem.nearest(name, among: HeapCatalogue.heaps.map(\.name))
      throw error(.unknownHeap(name, nearest: nearest), at: start)
    }
    return (entry, try parseSettings(of: entry.description))
  }

  private mutating func parseSettings(
    of heap: HeapDescription
  ) throws(HeapSpecificationError) -> [String: SettingReader.Setting] {
    var settings: [String: SettingReader.Setting] = [:]
    guard cursor.take("(") else { return settings }
    if cursor.take(")") { return settings }
    while true {
      cursor.skipSpaces()
      let start = cursor.position
      let name = cursor.word()
      if name.isEmpty { throw error(.expected("a setting, as in align=8"), at: start) }
      let names = heap.parameters.map(\.name)
      guard names.contains(name) else {
        let nearest = SpecificationProblem.nearest(name, among: names)
        throw error(.unknownParameter(name, of: heap.name, nearest: nearest), at: start)
      }
      if settings[name] != nil { throw error(.repeatedParameter(name), at: start) }
      guard cursor.take("=") else { throw error(.expected("'='"), at: cursor.position) }
      cursor.skipSpaces()
      let valueStart = cursor.position
      let value = cursor.word()
      if value.isEmpty { throw error(.expected("a value of \(name)"), at: valueStart) }
      settings[name] = SettingReader.Setting(value: value, position: valueStart)
      if cursor.take(")") { return settings }
      guard cursor.take(",") else { throw error(.expected("',' or ')'"), at: cursor.position) }
    }
  }

  func error(
    _ reason: HeapSpecificationError.Reason, at position: Int
  ) -> HeapSpecificationError {
    HeapSpecificationError(reason, text: cursor.text, position: position)
  }
}
