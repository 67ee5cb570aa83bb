// Notices that libraries come and go.

import InterposerEntry

/// What was learned of code addresses holds until other code comes to lie there.
///
/// `dlopen` is not interposed: it asks who called it. But for each object that the loader adds, it
/// allocates the object's `link_map` before it maps it (`_dl_map_object_from_fd`, glibc 2.36), by
/// the malloc that is ours, whoever wanted the object and by whatever function. Of the allocations
/// of the loader those count during which it tells debuggers that it is adding objects. `dlclose`
/// is interposed, for what is mapped in the place of a library and is none.
///
/// No lock of the loader is taken, and no table of a module is read whose code is not on the stack:
/// a thread that runs a library, or has yet to return to it, keeps it from being unloaded. Where a
/// walk goes astray and meets what looks like an address of a library that another thread is
/// unloading, the tables are read only where the kernel says at that moment that they can be.
enum LoaderWatch {
  static func start() {
    var loader = lacuna_object()
    guard lacuna_find_loader(&loader) != 0 else { return }
    session.loaderStart = loader.start
    session.loaderBytes = loader.end &- loader.start
  }

  /// The loader asks for memory.
  @inline(never)
  static func loaderAllocates() {
    if lacuna_loader_is_adding() != 0 { beginEpoch() }
  }

  /// Makes all threads forget their rules, and the frames of their last walks.
  @inline(never)
  static func beginEpoch() {
    let one: UInt64 = 1 << 48
    let before = withUnsafeMutablePointer(to: &session.epoch) { lacuna_add64($0, one) }
    if before &+ one == 0 {
      UnwindRuleCache.clear()
      ModuleTable.forget()
    }
  }
}

/// See InterposerEntry.h.
@c(lacuna_modules_changed)
public func modulesChanged() { LoaderWatch.beginEpoch() }
