// The columns of an events chunk, handed over to be packed.

extension EventColumns {
  /// Writes the sections of an events chunk.
  func write(to output: ChunkOutput, compare: Bool) {
    func section(_ id: SectionID, _ column: Column) {
      guard column.count > 0 else { return }
      output.section(id, column.bytes, comparing: compare)
    }
    output.section(
      .operations, UnsafeBufferPointer(start: operations, count: (steps + 7) / 8),
      comparing: compare)
    section(.exceptionGaps, exceptionGaps)
    section(.exceptionCodes, exceptionCodes)
    writeStacks(to: output, compare: compare)
    section(.sizeCodes, sizes.codes)
    section(.sizeLiterals, sizes.literals)
    section(.alignmentChanges, sizes.alignments)
    section(.references, references)
    section(.referenceLiterals, referenceLiterals)
    section(.threadList, threads.list)
    section(.runLengths, threads.lengths)
    section(.runRanks, threads.ranks)
    section(.timeCodes, times.codes)
    section(.timeLiterals, times.literals)
    section(.addressCodes, addresses.codes)
    section(.addressLiterals, addresses.literals)
    section(.addressDrops, addresses.drops)
    section(.rawAddresses, rawAddresses)
    section(.usables, usables)
    section(.extras, extras)
    section(.releases, releases)
    var rules = ByteSink()
    rules.varint(TraceFormat.nanosecondsPerTick)
    rules.bytes.append(usableRule.rawValue)
    rules.bytes.append(ReusePrediction.identifier)
    output.section(.rules, rules.bytes)
  }

  /// Writes the numbers of the stacks byte by byte; a byte that is 0 in all of them is left out.
  ///
  /// The high bytes change little from one to the next, and that only shows where they stand apart.
  private func writeStacks(to output: ChunkOutput, compare: Bool) {
    let count = allocatingSteps
    var used: UInt32 = 0
    for index in 0..<count { used |= stacks[index] }
    let planes: [SectionID] = [.stackBytes0, .stackBytes1, .stackBytes2, .stackBytes3]
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: max(count, 1)) { bytes in
      guard let base = bytes.baseAddress else { return }
      for (plane, id) in planes.enumerated() {
        let shift = UInt32(8 * plane)
        guard used &>> shift & 0xff != 0 else { continue }
        for index in 0..<count {
          (base + index).initialize(to: UInt8(truncatingIfNeeded: stacks[index] &>> shift))
        }
        output.section(
          id, UnsafeBufferPointer(start: base, count: count), comparing: compare)
      }
    }
  }
}
