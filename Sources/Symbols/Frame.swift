// What a return address is called: function, module, offset.

/// Whose code a frame is, judged by its names: what a reader may skip to reach their own.
public enum FrameKind: UInt8, Hashable, Sendable {
  /// The program's own code, and libraries that are nobody's runtime.
  case user
  /// Part of an allocator, or a language's way to call one: `malloc`, `operator new`,
  /// `swift_slowAlloc`, `__rust_alloc`.
  case allocator
  /// A language's runtime or standard library at work for the user: libc's `strdup`,
  /// `std::vector::push_back`, `Swift.Array.append`, `alloc::vec::Vec::push`.
  case runtime
}

/// One frame of a call stack, named.
public struct Frame: Hashable, Sendable {
  /// The demangled name; `module+0xoffset` where no function is known.
  public var function: String
  /// The file name of the module, without its directory; empty where the address lies in none.
  public var module: String
  /// The full path of the module as it was recorded; empty where the address lies in none.
  public var modulePath: String
  /// The address, in the module's own file, of the call (its last byte): what `addr2line` takes.
  ///
  /// The plain address where it lies in no module.
  public var offset: UInt64
  /// Whether `function` is a name from a symbol table.
  public var isResolved: Bool
  /// Whose code it is.
  public var kind: FrameKind
  /// The source file, where known; nil in this version.
  public var file: String?
  /// The line in `file`, where known; nil in this version.
  public var line: Int?

  /// Makes a frame.
  ///
  /// Without `kind`, the kind is judged by `function` and `module`.
  public init(
    function: String, module: String, modulePath: String = "", offset: UInt64 = 0,
    isResolved: Bool = true, kind: FrameKind? = nil, file: String? = nil, line: Int? = nil
  ) {
    self.function = function
    self.module = module
    self.modulePath = modulePath
    self.offset = offset
    self.isResolved = isResolved
    self.kind = kind ?? FrameKind(function: isResolved ? function : "", module: module)
    self.file = file
    self.line = line
  }
}
