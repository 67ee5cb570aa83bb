// Steps out of the columns of a chunk.

import MemoryUnits

/// Decodes the steps of one events chunk after another, given the blocks that live before each.
///
/// Everything is checked as it is read: numbers of threads, stacks, allocations, sizes and times. A
/// chunk that does not add up ends early, and `problem` says why.
struct EventDecoder: ~Copyable {
  var live: LiveSlots
  private let entries: UnsafeMutablePointer<EntryPoint>
  /// The family of each stack's function, and of each slot's block (``ReleasePrediction``).
  private let families: UnsafeMutablePointer<UInt8>
  /// Whether there are stacks of other families than the first.
  private let hasFamilies: Bool
  private var slotFamilies: UnsafeMutablePointer<UInt8>
  private var slotCapacity = 1 << 12
  private let releasePrediction = ReleasePrediction()
  let stackCount: UInt64
  private let threadCount: UInt64
  let readsAddresses: Bool

  private var operations: UnsafePointer<UInt8>
  var exceptionGaps: ColumnCursor
  var exceptionCodes: ColumnCursor
  private var blocks: BlockView
  private var references: ColumnCursor
  private var referenceLiterals: ColumnCursor
  private var times: TimeCursor
  /// The times of a chunk of the first layout, in the form of the second.
  private var rewrittenTimes: TimeColumns?
  private var threadRuns: RunCursor
  var extras: ColumnCursor
  private var releases: ColumnCursor
  private var addresses: AddressLayer
  private var rulesOfAddresses: (usable: UInt8, prediction: UInt8) = (0, 0)

  var steps = 0
  var step = 0
  /// The allocating steps of the chunk so far.
  private var ordinal = 0
  private var firstAllocation: UInt64 = 0
  private var releasingStep = 0
  private var nextRelease = Int.max
  var nextException = Int.max
  private var lastTick: UInt64 = 0
  private var unit: UInt64 = 1
  /// How much later than the step before each step of the next batch comes.
  private let delays: UnsafeMutablePointer<UInt64>
  /// The time of the step that was decoded last.
  private var nanoseconds: UInt64 = 0

  private var threads: [UInt32] = []
  private var lastReferences: UnsafeMutablePointer<UInt64>
  private var thread: UInt32 = 0
  private var localThread = 0
  private var runEnd = 0

  /// Why the last chunk ended early, if it did.
  var problem: String?
  /// Blocks so far whose address was handed out again while they lived.
  var reusedAddresses: UInt64 = 0
  /// What the last chunk says of requests that are not in the trace, and of shortened stacks.
  private(set) var lostEvents: UInt64 = 0
  private(set) var truncatedStacks: UInt64 = 0
  /// Steps of the last chunk that were not delivered.
  var remainingSteps: Int { steps - step }
  /// Whether nothing more comes from the last chunk.
  var isDone: Bool { step == steps || problem != nil }

  init(stacks table: StackTable, threads: Int, addresses: Bool, expecting steps: UInt64) {
    live = LiveSlots(expecting: steps)
    stackCount = UInt64(table.count)
    threadCount = UInt64(threads)
    readsAddresses = addresses
    entries = .allocate(capacity: table.count)
    families = .allocate(capacity: table.count)
    for (index, entry) in table.entries.enumerated() {
      (entries + index).initialize(to: entry)
      (families + index).initialize(to: ReleasePrediction.family(of: entry))
    }
    hasFamilies = table.entries.contains { ReleasePrediction.family(of: $0) != 0 }
    slotFamilies = .allocate(capacity: slotCapacity)
    slotFamilies.initialize(repeating: 0, count: slotCapacity)
    lastReferences = .allocate(capacity: TraceFormat.stepsPerChunk)
    delays = .allocate(capacity: EventReader.batch)
    delays.initialize(repeating: 0, count: EventReader.batch)
    let nothing = ColumnCursor(next: UnsafePointer(families), end: UnsafePointer(families))
    operations = UnsafePointer(families)
    blocks = BlockView(nothingAt: lastReferences)
    exceptionGaps = nothing
    exceptionCodes = nothing
    references = nothing
    referenceLiterals = nothing
    times = TimeCursor(codes: nothing, literals: nothing, firstTick: 0)
    threadRuns = RunCursor()
    extras = nothing
    releases = nothing
    self.addresses = AddressLayer(isRead: addresses)
  }

  deinit {
    entries.deallocate()
    families.deallocate()
    slotFamilies.deallocate()
    lastReferences.deallocate()
    delays.deallocate()
    rewrittenTimes?.deallocate()
    threadRuns.deallocate()
    addresses.deallocate()
    releasePrediction.deallocate()
  }

  // MARK: Beginning a chunk

  /// Prepares for the steps of a chunk whose columns are loaded, and stay so until its last step was
  /// decoded; false where it cannot be read.
  ///
  /// An honest file has at most `limit` allocations before this chunk.
  mutating func begin(_ header: ChunkHeader, _ columns: ChunkColumns, limit: UInt64) -> Bool {
    step = 0
    steps = Int(header.steps)
    blocks = columns.blocks.view
    problem = startProblem(header, columns.payload, limit: limit)
    return problem == nil
  }

  private mutating func startProblem(
    _ header: ChunkHeader, _ payload: ChunkPayload, limit: UInt64
  ) -> String? {
    operations = payload.cursor(.operations).next
    guard header.firstAllocation >= live.next, header.firstAllocation <= limit else {
      return "its allocations do not follow those before"
    }
    guard header.firstNanoseconds >= nanoseconds,
      header.lastNanoseconds >= header.firstNanoseconds
    else { return "its times do not follow those before" }
    live.skip(to: header.firstAllocation)
    return adoptRules(payload) ?? adoptColumns(header, payload)
  }

  private mutating func adoptRules(_ payload: ChunkPayload) -> String? {
    var tally = payload.source(.tally)
    lostEvents = tally.varint() ?? lostEvents
    truncatedStacks = tally.varint() ?? truncatedStacks
    var rules = payload.source(.rules)
    guard let unit = rules.varint(), unit > 0, let usable = rules.byte(),
      let prediction = rules.byte()
    else { return "its rules are incomplete" }
    self.unit = unit
    rulesOfAddresses = (usable, prediction)
    return nil
  }

  private mutating func adoptColumns(_ header: ChunkHeader, _ payload: ChunkPayload) -> String? {
    exceptionGaps = payload.cursor(.exceptionGaps)
    exceptionCodes = payload.cursor(.exceptionCodes)
    references = payload.cursor(.references)
    referenceLiterals = payload.cursor(.referenceLiterals)
    extras = payload.cursor(.extras)
    releases = payload.cursor(.releases)
    releasePrediction.reset()
    ordinal = 0
    firstAllocation = header.firstAllocation
    releasingStep = 0
    nextRelease = Self.position(after: 0, &releases)
    nextException = Self.position(after: 0, &exceptionGaps)
    lastTick = header.lastNanoseconds / unit
    nanoseconds = header.firstNanoseconds / unit &* unit
    return
      (readsAddresses ? addresses.adopt(payload, rulesOfAddresses, blocks: blocks.count) : nil)
      ?? adoptTimes(header, payload)
      ?? adoptThreads(payload, header)
  }

  private mutating func adoptTimes(_ header: ChunkHeader, _ payload: ChunkPayload) -> String? {
    guard header.version == 1 else {
      times = TimeCursor(
        codes: payload.cursor(.timeCodes), literals: payload.cursor(.timeLiterals),
        firstTick: header.firstNanoseconds / unit)
      return nil
    }
    var rewritten = rewrittenTimes ?? TimeColumns()
    defer { rewrittenTimes = rewritten }
    guard rewritten.rewrite(payload.cursor(.times), steps: steps) else {
      return "the column of times does not add up"
    }
    times = rewritten.cursor(firstTick: header.firstNanoseconds / unit)
    return nil
  }

  private mutating func adoptThreads(_ payload: ChunkPayload, _ header: ChunkHeader) -> String? {
    threads.removeAll(keepingCapacity: true)
    var list = payload.source(.threadList)
    while !list.isAtEnd {
      guard let index = list.varint(), index < threadCount, threads.count < steps else {
        return "it names a thread that is not described"
      }
      threads.append(UInt32(index))
    }
    guard let first = threads.first else {
      return steps == 0 ? nil : "it names no thread"
    }
    lastReferences.update(repeating: firstAllocation, count: threads.count)
    thread = first
    localThread = 0
    runEnd = threads.count == 1 ? steps : 0
    threadRuns.begin(payload, version: header.version, threads: threads.count)
    return nil
  }

  /// The next position of a sparse column: `after` and the gap that the column says, or never.
  @inline(__always)
  static func position(after: Int, _ gaps: inout ColumnCursor) -> Int {
    guard gaps.next < gaps.end else { return .max }
    return after &+ Int(truncatingIfNeeded: gaps.varint() & 0xffff_ffff)
  }

  // MARK: Steps

  /// Decodes the next steps of the chunk, at most a batch; zero where it has ended, or cannot be read
  /// further.
  mutating func next(into output: UnsafeMutablePointer<Request>, capacity: Int) -> Int {
    guard !isDone else { return 0 }
    let first = step
    let wanted = min(capacity, EventReader.batch, steps &- first)
    let sound = times.unpack(
      from: first, count: wanted, into: delays, until: lastTick, unit: unit)
    var count = 0
    while step < first &+ sound && problem == nil {
      if step == runEnd && !nextRun() {
        problem = "the column of threads does not add up"
        break
      }
      if step == nextException {
        nanoseconds &+= delays[step &- first]
        output[count] = plainRequest
        let delivers = exception(output + count)
        if problem != nil { break }
        step &+= 1
        if delivers { count &+= 1 }
      } else {
        let end = min(runEnd, nextException, first &+ sound)
        count &+= plainSteps(until: end, delays: delays + (step &- first), into: output + count)
      }
    }
    if sound < wanted && problem == nil { problem = "the column of times does not add up" }
    if step == steps && problem == nil && !isAtEnd { problem = "a column is too long" }
    return count
  }

  /// A step that has nothing but a time and a thread so far.
  ///
  /// Every field by value: a static default would be an access to a lazy global.
  private var plainRequest: Request {
    Request(
      operation: .free, slot: Slot(.max), time: Timestamp(nanoseconds: nanoseconds),
      size: ByteCount(0 as Int64), address: Address(0), usable: ByteCount(0 as Int64),
      stack: StackID(0), thread: ThreadIndex(thread), entry: .unknown, alignmentShift: 0)
  }

  /// Decodes steps of one thread that are all plain allocations and frees; returns their number.
  ///
  /// Each field goes straight to its place: a step put together elsewhere would be read again before
  /// its parts have left the processor's store buffer, which takes longer than all the rest.
  @inline(__always)
  private mutating func plainSteps(
    until end: Int, delays: UnsafePointer<UInt64>, into output: UnsafeMutablePointer<Request>
  ) -> Int {
    let first = step
    let operations = operations
    let thread = ThreadIndex(thread)
    var last = lastReferences[localThread]
    var nanoseconds = nanoseconds
    var step = first
    while step < end {
      let request = output + (step &- first)
      nanoseconds &+= delays[step &- first]
      request.pointee.time = Timestamp(nanoseconds: nanoseconds)
      request.pointee.thread = thread
      let bit = (operations[step &>> 3] &>> UInt8(truncatingIfNeeded: step & 7)) & 1
      guard bit == 0 ? allocate(request) : free(request, &last) else { break }
      step &+= 1
    }
    self.step = step
    self.nanoseconds = nanoseconds
    lastReferences[localThread] = last
    return step &- first
  }

  @inline(__always)
  mutating func referenceIsSound() -> Bool {
    if references.isOverrun || referenceLiterals.isOverrun {
      problem = "the column of references ends too early"
      return false
    }
    return true
  }

  private var isAtEnd: Bool {
    ordinal == blocks.count && references.isAtEnd && referenceLiterals.isAtEnd
      && times.isAtEnd && extras.isAtEnd && releases.isAtEnd && nextException == .max
      && nextRelease == .max
  }

  private mutating func nextRun() -> Bool {
    guard let run = threadRuns.next(), run.length > 0, run.length <= UInt64(steps - step)
    else { return false }
    runEnd = step + Int(run.length)
    localThread = run.thread
    thread = threads[localThread]
    return true
  }

  @inline(__always)
  mutating func allocate(_ request: UnsafeMutablePointer<Request>) -> Bool {
    request.pointee.operation = .allocate
    return readBlock(request) && begin(request)
  }

  @inline(__always)
  mutating func begin(_ request: UnsafeMutablePointer<Request>) -> Bool {
    guard let slot = live.begin() else {
      problem = "it has too many live blocks"
      return false
    }
    request.pointee.slot = Slot(slot)
    noteFamily(slot, request.pointee.stack)
    return true
  }

  /// Remembers how the block of a slot was asked for.
  @inline(__always)
  mutating func noteFamily(_ slot: UInt32, _ stack: StackID) {
    guard hasFamilies else { return }
    let slot = Int(slot)
    if slot >= slotCapacity { growFamilies(through: slot) }
    slotFamilies[slot] = UInt64(stack.rawValue) < stackCount ? families[stack.index] : 0
  }

  @inline(never)
  private mutating func growFamilies(through slot: Int) {
    var capacity = slotCapacity
    while capacity <= slot { capacity *= 2 }
    let larger = UnsafeMutablePointer<UInt8>.allocate(capacity: capacity)
    larger.initialize(repeating: 0, count: capacity)
    larger.update(from: slotFamilies, count: slotCapacity)
    slotFamilies.deallocate()
    slotFamilies = larger
    slotCapacity = capacity
  }

  /// Reads by which function the next free releases a block of a family, and when the next one differs.
  @inline(never)
  private mutating func readRelease(of family: UInt8) -> Bool {
    guard releases.next < releases.end else {
      problem = "the column of releases ends too early"
      return false
    }
    releasePrediction.note(EntryPoint(rawValue: releases.byte()) ?? .unknown, of: family)
    nextRelease = Self.position(after: releasingStep &+ 1, &releases)
    return true
  }

  @inline(__always)
  private mutating func free(
    _ request: UnsafeMutablePointer<Request>, _ last: inout UInt64
  ) -> Bool {
    let allocation = reference(&last)
    guard referenceIsSound() else { return false }
    request.pointee.size = ByteCount(0 as Int64)
    request.pointee.address = Address(0)
    request.pointee.usable = ByteCount(0 as Int64)
    request.pointee.stack = StackID(0)
    request.pointee.alignmentShift = 0
    var family: UInt8 = 0
    if let slot = live.take(allocation) {
      live.release(slot)
      recycle(allocation)
      if hasFamilies { family = slotFamilies[Int(slot)] }
      request.pointee.operation = .free
      request.pointee.slot = Slot(slot)
    } else {
      request.pointee.operation = .freeUnknown
      request.pointee.slot = Slot(.max)
    }
    if releasingStep == nextRelease && !readRelease(of: family) { return false }
    releasingStep &+= 1
    request.pointee.entry = releasePrediction.release(of: family)
    return true
  }

  /// What every step that begins a block has, except for its slot; `old` is the allocation that it
  /// replaces, if it does.
  @inline(__always)
  mutating func readBlock(
    _ request: UnsafeMutablePointer<Request>, replacing old: UInt64? = nil
  ) -> Bool {
    let ordinal = ordinal
    guard ordinal < blocks.count else {
      problem = "a column ends too early"
      return false
    }
    let stack = blocks.stacks[ordinal]
    let isKnown = UInt64(stack) < stackCount
    request.pointee.stack = StackID(isKnown ? stack : 0)
    request.pointee.entry = isKnown ? entries[Int(stack)] : .unknown
    let size = blocks.sizes[ordinal]
    var usable = size
    var address: UInt64 = 0
    if readsAddresses {
      let old = old.map { self.ordinal(of: $0) } ?? -1
      guard let block = addresses.next(size: size, ordinal: ordinal, old: old, thread: localThread)
      else {
        problem = "the columns of addresses do not add up"
        return false
      }
      address = block.address
      usable = block.usable
    }
    request.pointee.size = ByteCount(Int64(truncatingIfNeeded: size))
    request.pointee.address = Address(address)
    request.pointee.usable = ByteCount(Int64(truncatingIfNeeded: usable))
    request.pointee.alignmentShift = blocks.shifts[ordinal]
    self.ordinal = ordinal &+ 1
    return true
  }

  /// The place of an allocation among those of the chunk so far; -1 where it is older, or none.
  @inline(__always)
  private func ordinal(of allocation: UInt64) -> Int {
    let place = allocation &- firstAllocation
    return place < UInt64(ordinal) ? Int(truncatingIfNeeded: place) : -1
  }

  /// Takes note that the memory of a block that the step ends may be used again.
  @inline(__always)
  mutating func recycle(_ allocation: UInt64) {
    guard readsAddresses else { return }
    let place = ordinal(of: allocation)
    if place >= 0 { addresses.free(place, thread: localThread) }
  }

  /// The next raw address, where addresses are read; false where there is none.
  mutating func readRawAddress(_ request: UnsafeMutablePointer<Request>) -> Bool {
    guard readsAddresses else { return true }
    guard let address = addresses.rawAddress() else {
      problem = "the column of raw addresses ends too early"
      return false
    }
    request.pointee.address = Address(address)
    return true
  }

  /// The number of the allocation that an exceptional step ends.
  mutating func reference() -> UInt64 {
    var last = lastReferences[localThread]
    defer { lastReferences[localThread] = last }
    return reference(&last)
  }

  /// The number of the allocation that a step ends, where its thread named `last` before.
  @inline(__always)
  private mutating func reference(_ last: inout UInt64) -> UInt64 {
    let code = UInt64(references.byte())
    let newest = live.next &- 1
    let near = newest &- code
    let beside = last &+ (code &- EventColumns.nearDistances &- EventColumns.nearDeltas / 2)
    // Both are made and one is chosen: which one it is, no processor can foresee.
    var allocation = code < EventColumns.nearDistances ? near : beside
    if code >= 240 {
      let distance =
        code < 255
        ? EventColumns.nearDistances &+ (code &- 240) &<< 8 &+ UInt64(referenceLiterals.byte())
        : referenceLiterals.varint()
      allocation = newest &- distance
    }
    last = allocation
    return allocation
  }
}
