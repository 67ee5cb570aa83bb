// From steps and lives of blocks to the records of tables.

import Analysis
import Interchange
import MemoryUnits
import Trace

/// Makes records of what a trace knows, and leaves out what it does not.
struct TraceRecords {
  private let knows: TraceMetadata
  /// Whether moments between steps are times; they are numbers of steps otherwise.
  private let usesTimes: Bool
  private let marks: [MarkDescription]
  private let weights: SampleWeights
  /// By raw value, because making the name of an enum's case takes long.
  private let functions: [String?]
  private let operations: [String]

  init(_ trace: TraceFile) {
    knows = trace.metadata
    usesTimes = trace.usesTimes
    marks = trace.marks
    weights = SampleWeights(trace.metadata)
    functions = (0...UInt8.max).map { code in
      code == 0 ? nil : EntryPoint(rawValue: code)?.name
    }
    operations = (0...UInt8.max).map { code in
      switch Operation(rawValue: code) {
      case .freeUnknown?: "free"
      case .reallocateEnd?: "reallocate"
      case let operation?: "\(operation)"
      case nil: ""
      }
    }
  }

  private func function(_ entry: EntryPoint) -> String? { functions[Int(entry.rawValue)] }

  private func stack(_ stack: StackID) -> UInt32? {
    knows.knowsStacks && stack != .unknown ? stack.rawValue : nil
  }

  private func address(_ address: Address) -> Address? { knows.knowsAddresses ? address : nil }

  private func nanoseconds(_ time: Timestamp) -> UInt64? {
    knows.knowsTimes ? time.nanoseconds : nil
  }

  private func thread(_ thread: ThreadIndex) -> UInt32? {
    knows.knowsThreads ? thread.rawValue : nil
  }

  private static func alignment(_ shift: UInt8) -> Int64? {
    shift == 0 ? nil : Int64(1) &<< Int64(shift)
  }

  // MARK: Events

  /// A step as a record.
  func event(_ request: Request, _ change: BlockLedger.Change) -> ExportedEvent {
    var record = ExportedEvent(operation: operations[Int(request.operation.rawValue)])
    record.nanoseconds = nanoseconds(request.time)
    record.thread = thread(request.thread)
    record.function = function(request.entry)
    if let step = request.sideStep {
      describe(step, &record)
      return record
    }
    switch request.operation {
    case .moveBreak, .startBreak, .freeUnknown: record.address = address(request.address)
    default: break
    }
    if let began = change.began {
      record.block = began.first
      record.address = address(began.address)
      record.oldAddress = change.ended.flatMap { address($0.address) }
      record.size = began.size.rawValue
      if knows.knowsAddresses { record.usable = began.usable.rawValue }
      record.alignment = Self.alignment(began.alignmentShift)
      record.stack = stack(began.stack)
    } else if let ended = change.ended {
      record.block = ended.first
      record.address = address(ended.address)
    }
    return record
  }

  private func describe(_ step: SideStep, _ record: inout ExportedEvent) {
    switch step {
    case .map(let range, _, let stack, _):
      record.address = range.lowerBound
      record.size = range.byteCount.rawValue
      record.stack = self.stack(stack)
    case .unmap(let range, _), .discard(let range, _), .resizeHeap(let range, _):
      record.address = range.lowerBound
      record.size = range.byteCount.rawValue
    case .trim(let pad): record.size = pad.rawValue
    case .setOption(let parameter, let value):
      record.size = value
      record.note = "\(parameter)"
    case .mark(let mark):
      let index = Int(mark.rawValue)
      record.note = marks.indices.contains(index) ? marks[index].name : nil
    case .poolAllocate(let pool, let address, let size, let stack):
      record.address = address
      record.size = size.rawValue
      record.stack = self.stack(stack)
      record.note = "\(pool.rawValue)"
    case .poolFree(let pool, let address):
      record.address = address
      record.note = "\(pool.rawValue)"
    case .setBreak(let address, _): record.address = address
    }
  }

  // MARK: Blocks, holes, figures over time

  /// A life that has ended with a step, or lives on.
  func block(
    _ life: BlockLife, endedBy request: Request? = nil, step: UInt64? = nil
  ) -> BlockRecord {
    var record = BlockRecord(
      number: life.number, block: life.first, firstEvent: life.step, size: life.size.rawValue,
      weight: Int(weights.weight(of: life.address)))
    record.began = nanoseconds(life.time)
    record.thread = thread(life.thread)
    record.address = address(life.address)
    if knows.knowsAddresses { record.usable = life.usable.rawValue }
    record.alignment = Self.alignment(life.alignmentShift)
    record.stack = stack(life.stack)
    record.function = function(life.entry)
    guard let request else { return record }
    record.lastEvent = step
    record.ended = nanoseconds(request.time)
    record.endingThread = thread(request.thread)
    switch request.operation {
    case .free: record.ending = "free"
    case .abandon: record.ending = "abandon"
    default: record.ending = "reallocate"
    }
    return record
  }

  /// A free run at a moment.
  func hole(_ run: FreeRun, _ layout: HeapLayout, moment: String) -> HoleRecord {
    var record = HoleRecord(
      moment: moment, nanoseconds: usesTimes ? layout.time.nanoseconds : nil,
      address: run.range.lowerBound,
      size: run.range.byteCount.rawValue, isWilderness: run.isWilderness,
      wholePages: run.wholePages)
    record.below = run.below?.number
    record.above = run.above?.number
    record.stackBelow = run.below.flatMap { stack($0.stack) }
    record.stackAbove = run.above.flatMap { stack($0.stack) }
    return record
  }

  /// The heap at one of many moments.
  func course(_ point: CoursePoint, resident: ResidentSample?) -> CourseRecord {
    var record = CourseRecord(
      nanoseconds: usesTimes ? point.time.nanoseconds : nil, steps: point.steps,
      liveBytes: point.live.rawValue,
      liveBlocks: point.liveBlocks)
    if let recorded = point.recorded {
      record.grantedBytes = recorded.granted.rawValue
      record.heldBytes = recorded.held.rawValue
      record.touchedBytes = recorded.touched.rawValue
      record.holes = Int64(recorded.holes)
      record.holeBytes = recorded.holeBytes.rawValue
      record.wildernessBytes = recorded.wilderness.rawValue
    }
    record.residentBytes = resident?.anonymous.rawValue
    return record
  }
}
