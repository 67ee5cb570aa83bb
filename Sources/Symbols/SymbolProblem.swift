// Why a module's functions have no names.

/// What stood in the way of naming the functions of a module; each is reported once.
public struct SymbolProblem: Hashable, Sendable {
  /// What went wrong.
  public enum Reason: Hashable, Sendable {
    /// There is no file at the recorded path any more.
    case missing
    /// The file at the path is another one than was recorded: the build ids differ.
    case replaced(recorded: [UInt8], found: [UInt8])
    /// The file cannot be read as ELF.
    case unreadable(ElfError)
    /// Neither the file nor a debug file has symbols of functions.
    case noSymbols
  }

  /// The path of the module as it was recorded.
  public var modulePath: String
  /// What went wrong.
  public var reason: Reason

  /// A problem with one module.
  public init(modulePath: String, reason: Reason) {
    self.modulePath = modulePath
    self.reason = reason
  }
}

extension SymbolProblem: CustomStringConvertible {
  /// One sentence that says what is wrong and one that says what to do.
  public var description: String {
    let path = Demangler.printable(Array(modulePath.utf8))
    return switch reason {
    case .missing:
      "\(path): the file is gone, so its functions have no names. Restore it, or install its "
        + "debug symbols."
    case .replaced(let recorded, let found):
      "\(path): the file has changed since the recording (build id \(Self.short(found)) in place "
        + "of \(Self.short(recorded))), so its functions have no names. Restore the old file, "
        + "install its debug symbols, or record again."
    case .unreadable(let error):
      "\(path): \(error), so its functions have no names. Restore the file that was recorded."
    case .noSymbols:
      "\(path): it was stripped of its symbols, so its functions have no names. Install its debug "
        + "symbols, or build it without -s."
    }
  }

  private static func short(_ buildID: [UInt8]) -> String {
    buildID.isEmpty ? "none" : DebugFiles.hexadecimal(buildID.prefix(4)) + "…"
  }
}
