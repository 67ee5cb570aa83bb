// What the command says on stderr.

import Glibc

/// An error, once, in one line.
func fail(_ message: String) {
  fputs("lacuna: error: \(message)\n", stderr)
}

/// Something worth knowing that is no error.
func note(_ message: String) {
  fputs("lacuna: \(message)\n", stderr)
}
