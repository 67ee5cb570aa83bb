// The heap that writes down what it is asked, for a plan.

public import MemoryUnits

/// Answers requests with the numbers of blocks, and notes their lifetimes.
///
/// What drives this heap over a trace calls it as it calls the heap that follows the plan: so both
/// count blocks alike, whatever a damaged trace has in it.
public struct LifetimeRecorder: Heap, ~Copyable {
  /// Nothing is ever held.
  public var heldChanges: [HeldChange] = []
  /// Nothing is done.
  public var work: Work { Work() }
  /// Whether there were more blocks than a plan can have.
  public private(set) var isFull = false
  /// The blocks so far.
  public private(set) var problem = PackingProblem()

  /// Stands for the blocks that were too many.
  private static var unknown: Address { Address(.max) }

  /// Nothing is known yet.
  public init() {}

  /// Notes that a block begins.
  public mutating func allocate(_ request: BlockRequest) -> Placement {
    guard let block = problem.begin(size: request.size, alignment: request.alignment) else {
      isFull = true
      return Placement(address: Self.unknown, granted: .zero)
    }
    return Placement(address: Address(UInt64(block)), granted: .zero)
  }

  /// Notes that a block ends.
  public mutating func free(_ placement: Placement) {
    guard placement.address != Self.unknown else { return }
    problem.end(UInt32(placement.address.rawValue))
  }

  /// Notes that a block ends and another begins.
  public mutating func reallocate(
    _ placement: Placement, oldSize: ByteCount, to request: BlockRequest
  ) -> Placement {
    free(placement)
    return allocate(request)
  }
}
