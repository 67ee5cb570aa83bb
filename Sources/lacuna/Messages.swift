// What the command says on stderr.

import Terminal

/// An error, once, in one line.
func fail(_ message: String) {
  say("error: \(message)")
}

/// Something worth knowing that is no error.
func note(_ message: String) {
  say(message)
}

/// Who cannot even be told has to do without.
private func say(_ message: String) {
  try? Console(.standardError).write("lacuna: \(escapedForTerminal(message))\n")
}
