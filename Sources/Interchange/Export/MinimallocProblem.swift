// minimalloc: the CSV of github.com/google/minimalloc, for packing blocks with hindsight.

/// Writes blocks as a problem of offline memory allocation: `id,lower,upper,size,alignment`.
///
/// Time is the number of the event, so a block lives in `[lower, upper)`, and no two things happen
/// at once. Blocks of no bytes need no place and are left out.
public struct MinimallocProblem {
  private var stream: ByteOutput

  /// Begins the file.
  public init(to sink: @escaping ByteSink) {
    stream = ByteOutput(to: sink)
    stream.put("id,lower,upper,size,alignment\n" as StaticString)
  }

  /// Writes one block.
  ///
  /// - Parameters:
  ///   - events: all events of the trace, until which a block lives that does not end.
  ///   - alignment: what holds where the request named none.
  public mutating func add(
    _ block: BlockRecord, events: UInt64, defaultAlignment alignment: Int64
  ) throws {
    guard block.size > 0 else { return }
    stream.put(decimal: block.number)
    stream.put(UInt8(ascii: ","))
    stream.put(decimal: block.firstEvent)
    stream.put(UInt8(ascii: ","))
    stream.put(decimal: block.lastEvent ?? events)
    stream.put(UInt8(ascii: ","))
    stream.put(decimal: block.size)
    stream.put(UInt8(ascii: ","))
    stream.put(decimal: block.alignment ?? alignment)
    stream.put(UInt8(ascii: "\n"))
    try stream.settle()
  }

  /// Writes what is left.
  public mutating func finish() throws { try stream.flush() }
}
