// Which files are mapped where: written by the process itself when it first walks through one.

import CaptureABI
import InterposerEntry

/// A module that stands in the table: its start with the epoch above, mixed with the generation, so
/// that an entry that two threads write at once matches nothing.
struct KnownModule {
  var mixed: UInt64
  var generation: UInt64
}

enum ModuleTable {
  static let knownEntries = 64

  /// Writes the module into the segment unless it stands there already; returns its generation.
  ///
  /// Files that lie at overlapping addresses in turn, because one was unloaded, have different
  /// generations; one that comes back to its place has its old one again. Two threads may both
  /// write one; the recorder takes the second for the same.
  static func publish(_ object: lacuna_object, epoch: UInt64) -> UInt64 {
    let slot =
      session.knownModules.unsafelyUnwrapped
      + (Int(truncatingIfNeeded: object.start >> 12) & (knownEntries &- 1))
    let known = slot.pointee
    if known.mixed ^ known.generation == object.start ^ epoch { return known.generation }
    let generation = find(object)
    slot.pointee = KnownModule(mixed: object.start ^ epoch ^ generation, generation: generation)
    return generation
  }

  /// Forgets what stands in the table, when the numbers of epochs begin anew.
  static func forget() {
    for i in 0..<knownEntries {
      session.knownModules.unsafelyUnwrapped[i] = KnownModule(mixed: 0, generation: 0)
    }
  }

  /// The generation of an address that belongs to no module, so that it is not taken for part of one
  /// that lay there.
  static func generationOutside(_ address: UInt64) -> UInt64 {
    for i in 0..<count {
      let module = session.modules.unsafelyUnwrapped + i
      if isReady(module), module.pointee.start <= address, address < module.pointee.end {
        session.hasGenerations = true
        return UInt64(LACUNA_NO_GENERATION)
      }
    }
    return 0
  }

  private static var count: Int {
    let count = Int(lacuna_load32(&session.header.unsafelyUnwrapped.pointee.module_count))
    return count < LACUNA_MODULE_CAPACITY ? count : LACUNA_MODULE_CAPACITY
  }

  private static func isReady(_ module: UnsafeMutablePointer<lacuna_module>) -> Bool {
    lacuna_load32(&module.pointee.ready) == 1 && module.pointee.image == session.imageNumber
  }

  @inline(never)
  private static func find(_ object: lacuna_object) -> UInt64 {
    let identity = BuildID(of: object)
    var generation: UInt64 = 0
    for i in 0..<count {
      let module = session.modules.unsafelyUnwrapped + i
      guard isReady(module), module.pointee.start < object.end, object.start < module.pointee.end
      else { continue }
      if module.pointee.start == object.start, module.pointee.end == object.end,
        identity.isSame(as: module), isSame(module, object.path)
      {
        return UInt64(module.pointee.generation)
      }
      let next = UInt64(module.pointee.generation) &+ 1
      if next > generation { generation = next }
    }
    let none = UInt64(LACUNA_NO_GENERATION)
    if generation > 0 { session.hasGenerations = true }
    if generation >= none || !append(object, identity, generation) {
      return generation == 0 ? 0 : none
    }
    return generation
  }

  /// False when the table is full.
  private static func append(
    _ object: lacuna_object, _ identity: BuildID, _ generation: UInt64
  ) -> Bool {
    let header = session.header.unsafelyUnwrapped
    guard header.pointee.module_count < UInt32(LACUNA_MODULE_CAPACITY) else { return false }
    let number = Int(lacuna_add32(&header.pointee.module_count, 1))
    guard number < LACUNA_MODULE_CAPACITY else { return false }
    let module = session.modules.unsafelyUnwrapped + number
    module.pointee.start = object.start
    module.pointee.end = object.end
    module.pointee.bias = object.bias
    module.pointee.image = session.imageNumber
    module.pointee.generation = UInt32(truncatingIfNeeded: generation)
    if let path = object.path {
      withUnsafeMutableBytes(of: &module.pointee.path) { ModulePath.write(path, to: $0) }
    }
    identity.write(to: module)
    lacuna_store32(&module.pointee.ready, 1)
    return true
  }

  private static func isSame(
    _ module: UnsafeMutablePointer<lacuna_module>, _ path: UnsafePointer<CChar>?
  ) -> Bool {
    guard let path else { return true }
    return withUnsafeBytes(of: &module.pointee.path) { ModulePath.isSame($0, path) }
  }
}
