// Whose code a frame is: the user's own, an allocator's, a language runtime's.

/// Skipped by module, whatever the function: the C library and the loader, the C++ and Swift
/// runtimes with their standard libraries, other allocators, and Lacuna's own.
private let runtimeModules = [
  "libc.so", "libc-2.", "libc.musl", "ld-linux", "ld-musl", "ld-2.", "libpthread", "libm.so",
  "libdl.so", "librt.so", "libgcc_s", "libstdc++", "libc++", "libsupc++", "libswift", "lib_swift",
  "libFoundation", "lib_Foundation", "libdispatch", "libBlocksRuntime", "libTesting.so", "libstd-",
]
private let allocatorModules = [
  "liblacuna", "libjemalloc", "libtcmalloc", "libmimalloc", "libsnmalloc", "libhoard", "libmesh",
  "librpmalloc", "libscudo", "libc_malloc_debug", "liballocator",
]

/// Skipped by name in any module.
///
/// Beside the C interface these are the wrappers that nearly every program of their kind calls
/// instead: the `x…` functions of GNU programs, GLib's and Python's.
private let allocatorFunctions: Set<String> = [
  "malloc", "calloc", "realloc", "reallocarray", "recallocarray", "free", "cfree",
  "posix_memalign", "aligned_alloc", "memalign", "valloc", "pvalloc", "sysmalloc",
  "xmalloc", "xcalloc", "xzalloc", "xrealloc", "xreallocarray", "xnmalloc", "xnrealloc",
  "x2realloc", "x2nrealloc", "xmemdup", "xstrdup", "xstrndup", "ximalloc", "xpalloc", "safe_malloc",
  "g_malloc", "g_malloc0", "g_malloc_n", "g_malloc0_n", "g_realloc", "g_realloc_n", "g_try_malloc",
  "g_try_malloc0", "g_try_malloc_n", "g_try_realloc", "g_slice_alloc", "g_slice_alloc0",
  "g_slice_copy", "g_memdup", "g_memdup2", "g_strdup", "g_strndup", "g_aligned_alloc",
  "PyMem_Malloc", "PyMem_Calloc", "PyMem_Realloc", "PyMem_RawMalloc", "PyMem_RawCalloc",
  "PyMem_RawRealloc", "PyObject_Malloc", "PyObject_Calloc", "PyObject_Realloc",
  "_PyMem_RawMalloc", "_PyObject_Malloc", "_PyObject_Calloc", "_PyObject_Realloc",
  "swift_slowAlloc", "swift_slowAllocTyped", "swift_coroFrameAlloc", "swift_allocObject",
  "swift_allocBox", "swift_allocEmptyBox", "swift_bufferAllocate", "swift_task_alloc",
  "swift_projectBox", "swift_makeBoxUnique",
]
private let allocatorPrefixes = [
  "__libc_malloc", "__libc_calloc", "__libc_realloc", "__libc_memalign", "__libc_free",
  "_mid_memalign", "sysmalloc_", "_int_malloc", "_int_realloc", "_int_memalign", "_int_free",
  "tcache_", "je_", "mi_malloc",
  "mi_calloc", "mi_realloc", "mi_zalloc", "mi_heap_", "tc_malloc", "tc_new",
  "__rust_alloc", "__rust_realloc", "__rdl_", "__rg_", "_swift_allocObject",
  "swift::swift_slowAlloc",
]
private let runtimeFunctions: Set<String> = [
  "_start", "__libc_start_main", "__libc_start_call_main", "start_thread", "clone", "clone3",
  "__rust_begin_short_backtrace", "rust_begin_unwind",
]
private let runtimePrefixes = ["swift_", "_swift_", "__swift_", "swift::", "$ss", "objc_"]

extension FrameKind {
  /// Judges by a demangled name (empty where unknown) and the module's file name.
  ///
  /// The name may be of either ``NameStyle``; the mangled name is better evidence, and the
  /// ``Symbolizer`` uses it.
  public init(function: String, module: String) {
    self =
      Self.kind(ofModule: module) ?? Self.kind(ofPlain: function) ?? Self.kind(ofCxx: function)
      ?? Self.kind(ofRust: function) ?? Self.kind(ofSwift: function) ?? .user
  }

  /// Judges by a name and the mangled bytes that it was made of.
  init(name: DemangledName, mangled: [UInt8], module: String) {
    let byName: FrameKind? =
      switch name.language {
      case .c: Self.kind(ofPlain: name.simplified)
      case .cxx: Self.kind(ofCxx: name.full) ?? Self.kind(ofMangledCxx: mangled)
      case .rust: Self.kind(ofRust: name.simplified)
      case .swift: Self.kind(ofSwift: name.full)
      }
    let byModule = Self.kind(ofModule: module)
    self = byName == .allocator ? .allocator : byModule ?? byName ?? .user
  }

  static func kind(ofModule module: String) -> FrameKind? {
    if allocatorModules.contains(where: module.hasPrefix) { return .allocator }
    return runtimeModules.contains(where: module.hasPrefix) ? .runtime : nil
  }

  private static func kind(ofPlain name: String) -> FrameKind? {
    if allocatorFunctions.contains(name) || allocatorPrefixes.contains(where: name.hasPrefix) {
      return .allocator
    }
    if runtimeFunctions.contains(name) || runtimePrefixes.contains(where: name.hasPrefix) {
      return .runtime
    }
    return nil
  }

  private static func kind(ofCxx name: String) -> FrameKind? {
    if ["operator new(", "operator new[](", "operator delete(", "operator delete[]("]
      .contains(where: name.hasPrefix)
    {
      return .allocator
    }
    if name == "operator new" || name == "operator new[]" { return .allocator }
    let allocators = [
      "std::allocator", "__gnu_cxx::new_allocator", "std::__new_allocator",
      "llvm::allocate_buffer", "llvm::safe_", "llvm::SmallVectorBase<", "llvm::MallocAllocator",
    ]
    if allocators.contains(where: name.hasPrefix) { return .allocator }
    let library = ["std::", "__gnu_cxx::", "__cxxabiv1::", "swift::"]
    return library.contains(where: name.hasPrefix) ? .runtime : nil
  }

  /// A template's demangled name begins with its result, so the namespace is read off the mangled
  /// one: `_ZNSt…`, `_ZSt…`, `_ZN9__gnu_cxx…`, and the abbreviations `Sa`, `Ss`, `Si`, `So`, ….
  private static func kind(ofMangledCxx mangled: [UInt8]) -> FrameKind? {
    var rest = mangled.dropFirst(mangled.starts(with: "__Z".utf8) ? 3 : 2)
    if rest.first == UInt8(ascii: "N") {
      // Qualifiers of member functions.
      rest = rest.dropFirst().drop { "KVrRO".utf8.contains($0) }
    }
    let allocators = [
      "St16allocator_traits", "Sa", "9__gnu_cxx13new_allocator", "St15__new_allocator",
      "9__gnu_cxx14__alloc_traits", "St9allocator", "St22__allocate_at_least",
      "NSt3__19allocator", "St3__19allocator", "St3__116allocator_traits", "St3__117__libcpp_alloc",
    ]
    if allocators.contains(where: { rest.starts(with: $0.utf8) }) { return .allocator }
    let library = ["St", "Ss", "Sb", "Si", "So", "Sd", "9__gnu_cxx", "10__cxxabiv1", "5swift"]
    return library.contains { rest.starts(with: $0.utf8) } ? .runtime : nil
  }

  /// Rust links its standard library into the program.
  private static func kind(ofRust name: String) -> FrameKind? {
    let allocators = [
      "alloc::alloc::", "<alloc::alloc::", "alloc::raw_vec::", "<alloc::raw_vec::", "__rustc::__r",
      "std::alloc::", "<std::alloc::", "std::sys::alloc::", "<&alloc::alloc::",
    ]
    if allocators.contains(where: name.hasPrefix) { return .allocator }
    let library = [
      "alloc::", "core::", "std::", "hashbrown::", "<alloc::", "<core::", "<std::", "<hashbrown::",
      "<&alloc::", "<&core::", "<&std::", "<[", "<str ", "<&str ", "<&[", "__rustc::",
      "rustc_demangle",
    ]
    return library.contains(where: name.hasPrefix) ? .runtime : nil
  }

  /// Swift's standard library is inlined and specialised into programs.
  private static func kind(ofSwift name: String) -> FrameKind? {
    var name = SwiftName.withoutWrapping(name)
    let glue = [
      "outlined ", "type metadata ", "reabstraction thunk", "value witness",
      "lazy protocol witness",
      "destructor of type", "metadata ", "associated type", "demangling cache", "lazy cache",
    ]
    if glue.contains(where: name.hasPrefix) { return .runtime }
    // A closure belongs to the function around it: `closure #1 (Swift.Int) -> () in main.f()`.
    while name.hasPrefix("closure #") || name.hasPrefix("implicit closure #")
      || name.hasPrefix("defer #"), let around = Substring(name).range(of: " in ")
    {
      name = String(name[around.upperBound...])
    }
    for mark in ["static ", "class "] where name.hasPrefix(mark) {
      name = String(name.dropFirst(mark.count))
    }
    let library = [
      "Swift", "_Concurrency", "_StringProcessing", "_RegexParser", "Foundation",
      "FoundationEssentials", "Dispatch", "Synchronization",
    ]
    return library.contains {
      name.hasPrefix($0 + ".") || name.hasPrefix("(extension in \($0))")
    } ? .runtime : nil
  }
}

/// Whether the frame is part of an allocator or of a language's way to call one.
public func isAllocatorInternal(_ frame: Frame) -> Bool { frame.kind == .allocator }

/// The index of the frame to name when one asks who allocated: the innermost frame of the user's
/// own code; where there is none, the innermost that is no allocator's; else 0.
///
/// - Parameter frames: a call stack, innermost frame first.
/// - Complexity: O(number of frames)
public func userFrameIndex(_ frames: [Frame]) -> Int {
  frames.firstIndex { $0.kind == .user } ?? frames.firstIndex { $0.kind != .allocator } ?? 0
}
