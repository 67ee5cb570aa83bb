// What is loaded into the process, and which functions stand behind the names that we redirect.

/// The modules of a process with their segments and definitions, as far as attaching needs them.
struct ProcessImage {
  /// A module whose place is known.
  struct Placed {
    var module: LoadedModule
    var segments: ProgramSegments
  }

  let facts: ProcessFacts
  let memory: RemoteMemory
  let linkMap: LinkMap
  private(set) var modules: [Placed] = []
  /// The code of all modules, by address.
  private var code: [Range<UInt64>] = []
  /// The program's own first.
  private var lookups: [SymbolLookup?] = []

  /// Reads the list; waits a little where the loader is changing it.
  init(_ facts: ProcessFacts) throws(AttachError) {
    self.facts = facts
    memory = RemoteMemory(process: facts.processID)
    linkMap = try LinkMap(facts)
    guard let list = try linkMap.modules() else {
      throw .unreadable("the loader is changing its list of modules")
    }
    for module in list {
      guard let segments = try? Self.segments(of: module, list, facts, memory),
        let tags = try? DynamicSection(memory, at: module.dynamicSection, bias: module.bias)
      else { continue }
      modules.append(Placed(module: module, segments: segments))
      lookups.append((try? SymbolLookup(memory, tags, bias: module.bias)) ?? nil)
    }
    code = modules.flatMap(\.segments.executable).sorted { $0.lowerBound < $1.lowerBound }
  }

  private static func segments(
    of module: LoadedModule, _ list: [LoadedModule], _ facts: ProcessFacts, _ memory: RemoteMemory
  ) throws(AttachError) -> ProgramSegments {
    if module == list.first, let headers = facts.auxiliary[3], let count = facts.auxiliary[5],
      let own = try? ProgramSegments(memory, headers: headers, count: Int(min(count, 1024))),
      own.bias == module.bias
    {
      return own
    }
    return try ProgramSegments(memory, base: module.bias)
  }

  /// The first definition of a name in the loader's order, with the index of its module.
  func definition(of name: String, except skipped: Int? = nil) -> (Definition, module: Int)? {
    for index in modules.indices where index != skipped && !isKernelModule(index) {
      if let found = try? lookups[index]?.find(name) { return (found, index) }
    }
    return nil
  }

  /// How many modules define a name.
  func definitionCount(of name: String, except skipped: Int?) -> Int {
    modules.indices.count { index in
      index != skipped && !isKernelModule(index) && (try? lookups[index]?.find(name)) != nil
    }
  }

  /// The names of the functions that a module defines.
  func functionNames(of index: Int) throws(AttachError) -> [String] {
    try lookups[index]?.functionNames() ?? []
  }

  /// What one module defines under a name.
  func definition(of name: String, in index: Int) -> Definition? {
    (try? lookups[index]?.find(name)) ?? nil
  }

  /// Whether an address lies in the code of a module.
  ///
  /// - Complexity: O(log of the number of modules).
  func isCode(_ address: UInt64) -> Bool {
    var low = 0
    var high = code.count
    while low < high {
      let middle = (low + high) / 2
      if code[middle].upperBound <= address { low = middle + 1 } else { high = middle }
    }
    return low < code.count && code[low].contains(address)
  }

  /// The C library.
  var libc: Int? { module(named: "libc.so.6") }

  /// The loader.
  var loader: Int? {
    let base = facts.auxiliary[7] ?? 0
    return modules.firstIndex { base != 0 && $0.module.bias == base }
      ?? modules.firstIndex { fileName($0.module.name).hasPrefix("ld-linux") }
  }

  /// Our own library, where it is loaded already.
  var library: Int? {
    modules.indices.first { definition(of: "lacuna_attach", in: $0) != nil }
  }

  func module(named name: String) -> Int? {
    modules.firstIndex { fileName($0.module.name) == name }
  }

  private func fileName(_ path: String) -> Substring { path.split(separator: "/").last ?? "" }

  /// The virtual module by which the kernel offers system calls.
  func isKernelModule(_ index: Int) -> Bool {
    let base = facts.auxiliary[33] ?? 0
    return base != 0 && modules[index].module.bias == base
  }
}
