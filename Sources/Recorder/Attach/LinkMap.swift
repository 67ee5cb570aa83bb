// The loader's list of what is loaded into a process.

import CLinux

/// A file that the loader has mapped into the process.
struct LoadedModule: Hashable {
  /// What was added to the addresses in the file.
  var bias: UInt64
  /// As the loader knows it; empty for the program itself.
  var name: String
  /// Where its dynamic section lies.
  var dynamicSection: UInt64
}

/// Reads the list that the loader keeps for debuggers (`struct r_debug` and `struct link_map` of
/// link.h).
struct LinkMap {
  let memory: RemoteMemory
  /// The address of the `r_debug`.
  let head: UInt64
  private static let capacity = 1 << 16

  /// Finds the list: the program's dynamic section points to it, or the loader exports it.
  init(_ facts: ProcessFacts) throws(AttachError) {
    memory = RemoteMemory(process: facts.processID)
    let programHeaders = facts.auxiliary[3] ?? 0
    let count = facts.auxiliary[5] ?? 0
    let segments = try ProgramSegments(
      memory, headers: programHeaders, count: Int(min(count, 1024)))
    guard let dynamic = segments.dynamic else { throw .staticallyLinked(facts.executable) }
    let tags = try DynamicSection(memory, at: segments.bias &+ dynamic, bias: segments.bias)
    if let head = tags[.debug] {
      guard head != 0 || !segments.hasInterpreter else { throw .isStarting(facts.processID) }
      if head != 0 {
        self.head = head
        return
      }
    }
    // A program that was started through the loader, or with a dynamic section that is read-only.
    let loader = facts.auxiliary[7] ?? 0
    let loaderBase = loader != 0 ? loader : segments.bias
    guard let head = try? Self.exportedHead(memory, base: loaderBase), head != 0 else {
      throw segments.hasInterpreter
        ? .isStarting(facts.processID) : .staticallyLinked(facts.executable)
    }
    self.head = head
  }

  private static func exportedHead(_ memory: RemoteMemory, base: UInt64) throws(AttachError)
    -> UInt64?
  {
    let segments = try ProgramSegments(memory, base: base)
    guard let dynamic = segments.dynamic else { return nil }
    let tags = try DynamicSection(memory, at: base &+ dynamic, bias: base)
    return try SymbolLookup(memory, tags, bias: base)?.find("_r_debug")?.address
  }

  /// The modules, the program first; nil while the loader is changing the list.
  func modules() throws(AttachError) -> [LoadedModule]? {
    let debug = try memory.bytes(at: head, count: 40)
    guard let first = debug.load(UInt64.self, at: 8), let state = debug.load(UInt32.self, at: 24),
      state == 0, first != 0
    else { return nil }
    var modules: [LoadedModule] = []
    var next = first
    while next != 0, modules.count < Self.capacity {
      let entry = try memory.bytes(at: next, count: 40)
      guard let bias = entry.load(UInt64.self, at: 0), let name = entry.load(UInt64.self, at: 8),
        let dynamic = entry.load(UInt64.self, at: 16), let link = entry.load(UInt64.self, at: 24)
      else { break }
      modules.append(
        LoadedModule(bias: bias, name: memory.text(at: name), dynamicSection: dynamic))
      next = link
    }
    return modules
  }

  /// A value that changes whenever a module comes or goes, nearly always; cheap to get.
  ///
  /// It is made of the loader's state and the links of the list, up to the first 512 modules.
  func fingerprint(_ links: [UInt64]) -> [UInt64?] {
    memory.words(at: [head &+ 8, head &+ 24] + links)
  }

  /// The addresses of the links that join the list.
  func links() -> [UInt64] {
    var places: [UInt64] = []
    guard var next = try? memory.word(at: head &+ 8) else { return [] }
    while next != 0, places.count < 512 {
      places.append(next &+ 24)
      guard let link = try? memory.word(at: next &+ 24) else { break }
      next = link
    }
    return places
  }
}
