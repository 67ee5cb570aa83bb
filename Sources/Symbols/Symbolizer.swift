// Names return addresses: module map, symbol table, demangled name.

import MemoryUnits
public import Trace

/// Names the frames of a trace's stacks.
///
/// Files are opened when the first of their addresses is asked for, and every answer is kept. Not
/// for use by several threads at once.
public final class Symbolizer {
  /// What a file turned out to be.
  private struct FileKey: Hashable {
    var path: String
    var buildID: [UInt8]
  }

  private struct ImageMap {
    var cover: CoverMap
    /// Indices into `modules`, in the order in which `cover` knows them.
    var modules: [Int]
  }

  /// What tells modules at the same addresses apart.
  private struct Version: Hashable {
    var image: UInt32
    var generation: UInt16
  }

  private let modules: [Module]
  private let debugFiles: DebugFiles
  private let searchPaths: [String]
  private let style: NameStyle
  private let maps: [Version: ImageMap]
  private let known: [CodeAddress: [UInt8]]
  private var tables: [FileKey: SymbolTable] = [:]
  private var frames: [CodeAddress: Frame] = [:]
  /// How many more names may exceed the demangler's limits before none may try.
  private var patience = 8

  /// What stood in the way of naming functions, in the order in which it was met.
  public private(set) var problems: [SymbolProblem] = []

  /// Prepares to name addresses in `modules`.
  ///
  /// - Parameters:
  ///   - modules: the trace's module map. Where modules of one image and generation overlap, the
  ///     later counts.
  ///   - debugDirectories: where debug files are kept by build id and by path.
  ///   - searchPaths: directories that hold copies of the modules, by their full path or their file
  ///     name; looked at first, and used only when the build id is the recorded one.
  ///   - known: mangled names that need not be looked for: those that the trace carries.
  ///   - style: how much of the demangled names is kept.
  public init(
    modules: [Module], known: [CodeAddress: [UInt8]] = [:],
    debugDirectories: [String] = ["/usr/lib/debug"],
    searchPaths: [String] = [], style: NameStyle = .simplified
  ) {
    self.modules = modules
    self.known = known
    self.debugFiles = DebugFiles(directories: debugDirectories)
    self.searchPaths = searchPaths
    self.style = style
    maps = Dictionary(
      grouping: modules.indices,
      by: { Version(image: modules[$0].image, generation: modules[$0].generation) }
    ).mapValues {
      let latestFirst = Array($0.reversed())
      let ranges = latestFirst.map { index in
        modules[index].range.lowerBound.rawValue..<modules[index].range.upperBound.rawValue
      }
      return ImageMap(cover: CoverMap(bestFirst: ranges), modules: latestFirst)
    }
  }

  /// The frame that will be returned to at `returnAddress`.
  ///
  /// The byte before it is looked up: it belongs to the call, while the return address itself may
  /// already be the next line or, behind a call that does not return, the next function.
  ///
  /// - Parameter image: the program image (see ``Trace/Module/image``) that was running.
  /// - Complexity: O(1) when asked before; O(log n) for n symbols, after the module is loaded.
  public func frame(returnAddress: UInt64, image: UInt32) -> Frame {
    frame(at: CodeAddress(returnAddress: returnAddress, image: image))
  }

  /// The frame that will be returned to there, in the module that lay there then.
  ///
  /// - Complexity: as ``frame(returnAddress:image:)``.
  public func frame(at place: CodeAddress) -> Frame {
    if let known = frames[place] { return known }
    let frame = makeFrame(place)
    frames[place] = frame
    return frame
  }

  private func makeFrame(_ place: CodeAddress) -> Frame {
    let address = place.returnAddress &- 1
    let version = Version(image: place.image, generation: place.generation)
    guard let map = maps[version], let owner = map.cover.owner(of: address) else {
      return Frame(
        function: Self.hexadecimal(address), module: "", offset: address, isResolved: false,
        kind: .user)
    }
    let module = modules[map.modules[owner]]
    let offset = address &- module.bias
    let fileName = Self.fileName(of: module.path)
    guard let mangled = known[place] ?? table(for: module).name(at: offset) else {
      return Frame(
        function: fileName + "+" + Self.hexadecimal(offset), module: fileName,
        modulePath: module.path, offset: offset, isResolved: false)
    }
    let name = Demangler.demangle(bytes: mangled, patience: &patience)
    return Frame(
      function: style == .full ? name.full : name.simplified, module: fileName,
      modulePath: module.path, offset: offset,
      kind: FrameKind(name: name, mangled: mangled, module: fileName))
  }

  /// The mangled name of the function that will be returned to there, as the symbol table of its
  /// module has it; nil where none is known.
  public func symbol(at place: CodeAddress) -> [UInt8]? {
    if let name = known[place] { return name }
    let version = Version(image: place.image, generation: place.generation)
    let address = place.returnAddress &- 1
    guard let map = maps[version], let owner = map.cover.owner(of: address) else { return nil }
    let module = modules[map.modules[owner]]
    return table(for: module).name(at: address &- module.bias).map { Array($0) }
  }

  private static func hexadecimal(_ value: UInt64) -> String { "0x" + String(value, radix: 16) }

  /// What stands behind the path of a file that was deleted while it was mapped.
  private static let deletedMark = " (deleted)"

  private static func fileName(of path: String) -> String {
    var name = path.utf8.suffix(
      from: path.utf8.lastIndex(of: UInt8(ascii: "/")).map {
        path.utf8.index(after: $0)
      } ?? path.utf8.startIndex)[...]
    if name.elementsEqual(path.utf8), path.hasPrefix("[") { return Demangler.printable(name) }
    if Substring(name).hasSuffix(deletedMark) { name = name.dropLast(deletedMark.utf8.count) }
    return Demangler.printable(name.prefix(255))
  }

  // MARK: - Loading

  private func table(for module: Module) -> SymbolTable {
    let key = FileKey(path: module.path, buildID: module.buildID)
    if let known = tables[key] { return known }
    let table = load(module)
    tables[key] = table
    return table
  }

  private func load(_ module: Module) -> SymbolTable {
    // [vdso] and its like are no files.
    if module.path.isEmpty || module.path.hasPrefix("[") { return SymbolTable([]) }
    let (main, reason) = open(module)
    var images: [ElfImage] = []
    if let main {
      images = [main.image]
      if let debug = debugFiles.image(of: main.image, at: main.path) { images.append(debug) }
    } else if let debug = debugFiles.image(buildID: module.buildID) {
      images = [debug]
    }
    let table = SymbolTable(images)
    if table.isEmpty {
      problems.append(SymbolProblem(modulePath: module.path, reason: reason ?? .noSymbols))
    }
    return table
  }

  /// The file that was recorded, or what is wrong with the one at its path.
  private func open(
    _ module: Module
  ) -> (found: (image: ElfImage, path: String)?, reason: SymbolProblem.Reason?) {
    var path = module.path
    let isDeleted = path.hasSuffix(Self.deletedMark)
    if isDeleted { path = String(path.dropLast(Self.deletedMark.count)) }
    for directory in searchPaths where !module.buildID.isEmpty {
      for candidate in [directory + "/" + path, directory + "/" + Self.fileName(of: path)] {
        if let image = try? ElfImage(path: candidate), image.buildID == module.buildID {
          return ((image, candidate), nil)
        }
      }
    }
    // A file of unknown identity in the place of a deleted one is not the same, and a path that is
    // not absolute leads nowhere from here.
    guard path.hasPrefix("/"), !(isDeleted && module.buildID.isEmpty) else {
      return (nil, .missing)
    }
    do {
      let image = try ElfImage(path: path)
      guard module.buildID.isEmpty || image.buildID == module.buildID else {
        return (nil, .replaced(recorded: module.buildID, found: image.buildID))
      }
      return ((image, path), nil)
    } catch {
      return (nil, error == .missing ? .missing : .unreadable(error))
    }
  }
}
