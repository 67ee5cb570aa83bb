// What the command says on stderr.

import Terminal
import Trace

/// An error, once, in one line.
func fail(_ message: String) {
  say("error: \(message)")
}

/// An error whose later lines show where it is.
func fail(lines message: String) {
  let lines = message.split(separator: "\n", omittingEmptySubsequences: false)
  say(lines: ["error: " + (lines.first ?? "")] + lines.dropFirst().map(String.init))
}

/// Something worth knowing that is no error.
func note(_ message: String) {
  say(message)
}

/// Says what every figure has to be read with.
func noteIfIncomplete(_ trace: TraceFile) {
  guard !trace.isComplete else { return }
  note(
    "the trace is incomplete: the figures speak of the part that could be read; lacuna info says "
      + "what is missing")
}

private func say(_ message: String) { say(lines: [message]) }

/// Who cannot even be told has to do without.
private func say(lines: [String]) {
  let text = lines.map(escapedForTerminal).joined(separator: "\n")
  try? Console(.standardError).write("lacuna: \(text)\n")
}
