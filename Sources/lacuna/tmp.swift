import Analysis
import MemoryUnits
import Trace
extension TraceInventory { init(of file: TraceFile) { self.init(fileBytes: ByteCount(file.fileBytes), threads: file.threads.count, stacks: file.stacks.count, modules: file.modules.count, isComplete: file.isComplete, damage: file.damage.map { "\($0)" }) } }
