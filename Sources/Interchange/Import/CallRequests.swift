// Calls of allocation functions, as several tools write them, and what they mean for a trace.

import MemoryUnits
import Trace

extension ImportBuilder {
  /// A block was asked for, and is there unless the address is 0.
  func granted(
    _ address: UInt64, _ size: UInt64, _ entry: EntryPoint, alignment: UInt64 = 0,
    node: UInt32 = 0, thread: ThreadIndex
  ) -> SkipReason? {
    guard address != 0 else { return .withoutEffect }
    guard size <= Self.largestSize else { return .outOfRange }
    allocate(
      Address(address), size, alignment: alignment, stack: stack(node, entry), thread: thread)
    return nil
  }

  /// A block was resized: `realloc` in all its meanings.
  ///
  /// Without an old block it allocates, with no bytes and no result it frees, and otherwise without a
  /// result it failed.
  func resized(
    _ old: UInt64, to new: UInt64, _ size: UInt64, _ entry: EntryPoint, node: UInt32 = 0,
    thread: ThreadIndex
  ) -> SkipReason? {
    guard old != 0 else { return granted(new, size, entry, node: node, thread: thread) }
    if new == 0 {
      guard size == 0 else { return .withoutEffect }
      free(Address(old), thread: thread)
      return nil
    }
    guard size <= Self.largestSize else { return .outOfRange }
    reallocate(
      Address(old), to: Address(new), size, stack: stack(node, entry), thread: thread)
    return nil
  }

  /// A block was released, unless the address is 0.
  func released(_ address: UInt64, _ entry: EntryPoint, thread: ThreadIndex) -> SkipReason? {
    guard address != 0 else { return .withoutEffect }
    free(Address(address), entry: entry, thread: thread)
    return nil
  }

  /// Of a call, with the numbers between its parentheses and its result.
  func called(
    _ function: EntryPoint, _ arguments: CallArguments, result: UInt64?, node: UInt32 = 0,
    thread: ThreadIndex
  ) -> SkipReason? {
    let count = arguments.count
    guard count > 0 else { return .malformed }
    let first = arguments[0]
    if function.rawValue >= EntryPoint.free.rawValue {
      return released(first, function, thread: thread)
    }
    guard let result else { return .malformed }
    switch function {
    case .calloc, .reallocarray:
      guard count > 1 else { return .malformed }
      let isResize = function == .reallocarray
      guard !isResize || count > 2 else { return .malformed }
      let (size, overflow) = arguments[isResize ? 1 : 0].multipliedReportingOverflow(
        by: arguments[isResize ? 2 : 1])
      if overflow { return result == 0 ? .withoutEffect : .outOfRange }
      return isResize
        ? resized(first, to: result, size, function, node: node, thread: thread)
        : granted(result, size, function, node: node, thread: thread)
    case .realloc:
      guard count > 1 else { return .malformed }
      return resized(first, to: result, arguments[1], function, node: node, thread: thread)
    case .memalign, .alignedAlloc, .posixMemalign:
      guard count > 1 else { return .malformed }
      return granted(
        result, arguments[1], function, alignment: first, node: node, thread: thread)
    case .newAligned, .newArrayAligned, .newAlignedNothrow, .newArrayAlignedNothrow:
      return granted(
        result, first, function, alignment: count > 1 ? arguments[1] : 0, node: node,
        thread: thread)
    default: return granted(result, first, function, node: node, thread: thread)
    }
  }
}

/// The first numbers between the parentheses of a call.
struct CallArguments {
  private var values: (UInt64, UInt64, UInt64) = (0, 0, 0)
  private(set) var count = 0

  subscript(_ index: Int) -> UInt64 {
    switch index {
    case 0: values.0
    case 1: values.1
    default: values.2
    }
  }

  init() {}

  /// Adds a number; those behind the third are of no interest.
  mutating func append(_ value: UInt64) {
    switch count {
    case 0: values.0 = value
    case 1: values.1 = value
    case 2: values.2 = value
    default: return
    }
    count += 1
  }

  /// Reads numbers with commas between them up to the closing parenthesis, which is passed.
  ///
  /// Words before a number (`al 64`), as valgrind has them, and what is no number are passed over.
  init?(_ line: inout LineCursor) {
    while true {
      line.skipSpaces()
      if line.take(0x29) { return }
      if let value = line.number() {
        append(value)
      } else if line.identifier().isAtEnd {
        guard line.peek != nil else { return nil }
        line.skip(1)
      }
    }
  }
}

/// The allocation functions by the names of their symbols.
struct AllocationFunctions {
  private static let symbols: [(StaticString, EntryPoint)] = [
    ("malloc", .malloc), ("free", .free), ("calloc", .calloc), ("realloc", .realloc),
    ("_Znwm", .new), ("_ZdlPv", .delete), ("_ZdlPvm", .deleteSized), ("_Znam", .newArray),
    ("_ZdaPv", .deleteArray), ("_ZdaPvm", .deleteArraySized), ("memalign", .memalign),
    ("posix_memalign", .posixMemalign), ("aligned_alloc", .alignedAlloc), ("cfree", .cfree),
    ("reallocarray", .reallocarray), ("valloc", .valloc), ("pvalloc", .pvalloc),
    ("_ZnwmRKSt9nothrow_t", .newNothrow), ("_ZnamRKSt9nothrow_t", .newArrayNothrow),
    ("_ZdlPvRKSt9nothrow_t", .deleteNothrow), ("_ZdaPvRKSt9nothrow_t", .deleteArrayNothrow),
    ("_ZnwmSt11align_val_t", .newAligned), ("_ZnamSt11align_val_t", .newArrayAligned),
    ("_ZnwmSt11align_val_tRKSt9nothrow_t", .newAlignedNothrow),
    ("_ZnamSt11align_val_tRKSt9nothrow_t", .newArrayAlignedNothrow),
    ("_ZdlPvSt11align_val_t", .deleteAligned), ("_ZdaPvSt11align_val_t", .deleteArrayAligned),
    ("_ZdlPvmSt11align_val_t", .deleteSizedAligned),
    ("_ZdaPvmSt11align_val_t", .deleteArraySizedAligned),
    ("_ZdlPvSt11align_val_tRKSt9nothrow_t", .deleteAlignedNothrow),
    ("_ZdaPvSt11align_val_tRKSt9nothrow_t", .deleteArrayAlignedNothrow),
    ("free_sized", .freeSized), ("free_aligned_sized", .freeAlignedSized),
  ]

  /// The function of that name; nil where it does not allocate.
  ///
  /// The most frequent ones are found first.
  static func find(_ name: LineCursor) -> EntryPoint? {
    for (symbol, entry) in symbols where name.isExactly(symbol) { return entry }
    return nil
  }
}
