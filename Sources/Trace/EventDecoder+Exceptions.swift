// Steps that are no plain allocations or frees, out of the columns of a chunk.

import MemoryUnits

extension EventDecoder {
  /// Decodes a step that is no plain allocation or free; false where it has no meaning any more,
  /// because the block that it is about was lost.
  @inline(never)
  mutating func exception(_ request: UnsafeMutablePointer<Request>) -> Bool {
    guard exceptionCodes.next < exceptionCodes.end else {
      problem = "the column of exceptions ends too early"
      return false
    }
    let code = exceptionCodes.byte()
    nextException = Self.position(after: step &+ 1, &exceptionGaps)
    switch code {
    case StepCode.reallocate:
      return reallocate(request)
    case StepCode.reallocateEnd:
      let delivers = allocate(request)
      request.pointee.operation = .reallocateEnd
      return delivers
    case StepCode.reallocateBegin, StepCode.abandon, StepCode.abandonReused:
      request.pointee.operation = code == StepCode.reallocateBegin ? .reallocateBegin : .abandon
      if code == StepCode.abandonReused { reusedAddresses &+= 1 }
      let allocation = reference()
      guard referenceIsSound(), let slot = live.take(allocation) else { return false }
      live.release(slot)
      if code == StepCode.reallocateBegin { recycle(allocation) }
      request.pointee.slot = Slot(slot)
      return true
    case StepCode.moveBreak, StepCode.startBreak, StepCode.freeUnknown:
      request.pointee.operation =
        code == StepCode.moveBreak
        ? .moveBreak : code == StepCode.startBreak ? .startBreak : .freeUnknown
      return readRawAddress(request)
    case Operation.map.rawValue...Operation.setBreak.rawValue:
      return side(request, code)
    default:
      problem = "step code \(code) belongs to a later version of the format"
      return false
    }
  }

  /// Reads what a step carries that is about no block.
  private mutating func side(_ request: UnsafeMutablePointer<Request>, _ code: UInt8) -> Bool {
    request.pointee.operation = Operation(rawValue: code) ?? .mark
    let address = extras.varint()
    let size = unzigzag(extras.varint())
    let slot = extras.varint()
    let stack = extras.varint()
    let entry = extras.byte()
    let shift = extras.byte()
    guard !extras.isOverrun else {
      problem = "the column of extras ends too early"
      return false
    }
    let isRange = request.pointee.operation != .setOption
    guard slot <= UInt32.max, stack <= UInt32.max,
      !isRange || size >= 0 && size <= TraceFormat.maximumSize
    else {
      problem = "a step is about more memory than any address space has"
      return false
    }
    request.pointee.address = Address(address)
    request.pointee.size = ByteCount(size)
    request.pointee.usable = request.pointee.size
    request.pointee.slot = Slot(UInt32(slot))
    if stack < stackCount { request.pointee.stack = StackID(UInt32(stack)) }
    request.pointee.entry = EntryPoint(rawValue: entry) ?? .unknown
    request.pointee.alignmentShift = shift
    return true
  }

  /// Resizes a block; where the old one was lost, only the new one begins.
  private mutating func reallocate(_ request: UnsafeMutablePointer<Request>) -> Bool {
    let allocation = reference()
    guard referenceIsSound(), readBlock(request, replacing: allocation) else { return false }
    guard let slot = live.take(allocation) else {
      request.pointee.operation = .reallocateEnd
      return begin(request)
    }
    request.pointee.operation = .reallocate
    request.pointee.slot = Slot(slot)
    noteFamily(slot, request.pointee.stack)
    live.keep(slot)
    return true
  }
}
