// What a trace gives a symbolizer to work with.

public import Trace

extension Symbolizer {
  /// Prepares to name the calls of a trace: by the names that it carries, and by its modules.
  public convenience init(of trace: TraceFile, searchPaths: [String] = []) {
    self.init(modules: trace.modules, known: trace.functionNames, searchPaths: searchPaths)
  }
}
