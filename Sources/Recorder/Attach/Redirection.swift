// Leading the calls of all modules to our library, and back.

/// Which words of the process lead to our library, and what stood there before.
///
/// Only words are changed that hold the address of the very function that the library calls in turn.
/// A module that was bound to another allocator, its own or by `RTLD_DEEPBIND`, keeps it.
struct Redirection {
  /// A function that the library stands before.
  struct Function {
    var name: String
    /// The library's.
    var ours: UInt64
    /// The process's own.
    var real: UInt64
    /// Whether no other module defines the name, so that a word that is not bound yet can mean
    /// nothing else.
    var isUnique: Bool
  }

  let functions: [Function]
  private let memory: RemoteMemory
  private let imports: ImportTable
  private let loader: LoadedModule?
  private let loaderWords: [ImportWord]
  private let library: LoadedModule
  private let kernelBase: UInt64
  private var words: [LoadedModule: [ImportWord]] = [:]
  private var code: [LoadedModule: ProgramSegments] = [:]
  private var replaced: [UInt64: UInt64] = [:]
  private var links: [UInt64] = []
  private var fingerprint: [UInt64?] = []
  private var failures = 0

  /// - Parameter library: the index of our library in the image.
  init(_ image: ProcessImage, library: Int, functions: [Function]) {
    self.functions = functions
    memory = image.memory
    imports = ImportTable(image.memory, names: functions.map(\.name))
    loader = image.loader.map { image.modules[$0].module }
    loaderWords =
      image.loader.map { Self.words(ofLoader: image.modules[$0], functions, image.memory) }
      ?? []
    self.library = image.modules[library].module
    kernelBase = image.facts.auxiliary[33] ?? 0
    for placed in image.modules { code[placed.module] = placed.segments }
  }

  /// How many words lead to the library.
  var count: Int { replaced.count }

  /// The functions of the process that the library's stand before.
  static func functions(_ image: ProcessImage, library: Int) throws(AttachError) -> [Function] {
    var functions: [Function] = []
    for name in try image.functionNames(of: library) where !name.hasPrefix("lacuna_") {
      guard let ours = image.definition(of: name, in: library),
        let (real, _) = image.definition(of: name, except: library), !real.isIndirect
      else { continue }
      functions.append(
        Function(
          name: name, ours: ours.address, real: real.address,
          isUnique: image.definitionCount(of: name, except: library) == 1))
    }
    return functions
  }

  /// The loader keeps the addresses of four functions in plain pointers, which become read-only once
  /// it has found them (rtld-malloc.h of glibc).
  private static func words(
    ofLoader placed: ProcessImage.Placed, _ functions: [Function], _ memory: RemoteMemory
  ) -> [ImportWord] {
    let range = placed.segments.readOnlyAfterwards
    guard range.count < 1 << 20,
      let bytes = try? memory.bytes(at: range.lowerBound, count: range.count)
    else { return [] }
    var words: [ImportWord] = []
    let names: Set<String> = ["malloc", "calloc", "realloc", "free"]
    for offset in stride(from: 0, through: bytes.count - 8, by: 8) {
      guard let word = bytes.load(UInt64.self, at: offset), word != 0,
        let function = functions.firstIndex(where: { word == $0.real || word == $0.ours }),
        names.contains(functions[function].name)
      else { continue }
      words.append(
        ImportWord(place: range.lowerBound + UInt64(offset), function: function, isLazy: false))
    }
    return words
  }

  // MARK: Finding words

  /// Takes over which modules are loaded now.
  ///
  /// Returns false when our library is not among them: the process has executed another program.
  mutating func refresh(_ linkMap: LinkMap) -> Bool {
    // The list is read while the process runs; what changes meanwhile changes the fingerprint.
    links = linkMap.links()
    fingerprint = linkMap.fingerprint(links)
    let list: [LoadedModule]?
    do {
      list = try linkMap.modules()
      failures = 0
    } catch {
      // Once it may be a change in the middle of reading; for long it is another program's memory.
      failures += 1
      fingerprint = []
      return failures < 20
    }
    guard let modules = list else { return true }
    guard modules.contains(library) else { return false }
    let loaded = Set(modules)
    for gone in Set(words.keys).subtracting(loaded) {
      for word in words[gone] ?? [] { replaced[word.place] = nil }
      words[gone] = nil
      code[gone] = nil
    }
    for module in modules
    where words[module] == nil && module != library && module.bias != kernelBase {
      if module == loader {
        words[module] = loaderWords
        continue
      }
      // A module that is unloaded while we look is no error.
      guard let found = try? imports.words(of: module) else { continue }
      words[module] = found
      if code[module] == nil { code[module] = try? ProgramSegments(memory, base: module.bias) }
    }
    return true
  }

  /// Whether modules have come or gone since the last ``refresh(_:)``.
  func isOutdated(_ linkMap: LinkMap) -> Bool { linkMap.fingerprint(links) != fingerprint }

  // MARK: Changing words

  private struct Change {
    var place: UInt64
    var old: UInt64
    var new: UInt64
  }

  /// The words that do not lead to the library and should.
  private func changes() -> [Change] {
    var result: [Change] = []
    for (module, list) in words {
      let values = memory.words(at: list.map(\.place))
      for (word, value) in zip(list, values) {
        guard let value else { continue }
        let function = functions[word.function]
        let isUnbound =
          word.isLazy && function.isUnique && code[module]?.isCode(value) == true
        if value == function.ours, replaced[word.place] == nil {
          // An earlier recorder was killed.
          result.append(Change(place: word.place, old: function.real, new: function.ours))
        } else if value == function.real || isUnbound, value != function.ours {
          result.append(Change(place: word.place, old: value, new: function.ours))
        }
      }
    }
    return result
  }

  /// Whether there is anything to change.
  var needsChange: Bool { !changes().isEmpty }

  /// Leads all calls to the library; the process stands still.
  mutating func apply(_ process: StoppedProcess) throws(AttachError) {
    for change in changes() {
      try process.poke(change.new, at: change.place)
      replaced[change.place] = change.old
    }
  }

  /// Leads all calls back; the process stands still.
  ///
  /// Words that somebody else has changed since are left alone.
  mutating func restore(_ process: StoppedProcess) throws(AttachError) {
    for list in words.values {
      let values = memory.words(at: list.map(\.place))
      for (word, value) in zip(list, values) {
        guard let old = replaced[word.place], value == functions[word.function].ours else {
          continue
        }
        try process.poke(old, at: word.place)
      }
    }
    replaced = [:]
  }
}
