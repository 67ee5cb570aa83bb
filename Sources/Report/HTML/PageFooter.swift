// What stands below the five questions: what the words mean, and what the figures cannot say.

import Analysis
import MemoryUnits
import Trace

extension HTMLReport {
  static func footer(_ story: Story) -> Markup {
    let terms: [(String, String)] = [
      ("live", "Bytes that blocks asked for and that were not freed yet."),
      ("held", "Bytes that the heap has from the system, used or not."),
      (
        "resident",
        "Held pages that were touched and not given back. Modelled: a program is taken to touch all"
          + " of every block that it asks for."
      ),
      (
        "hole",
        "A run of held bytes that no live block covers. The run at the top of a heap is its"
          + " wilderness and is not counted."
      ),
      ("peak", "The moment of the most live bytes, unless the text says otherwise."),
      (
        "pinned",
        "Free bytes on pages on which something still lives. No trim returns them, because memory"
          + " goes back in whole pages of 4 KiB."
      ),
      (
        "share",
        "The free bytes of a page, divided equally among the call sites with a block on it"
          + " (the Shapley value). The shares sum to all pinned bytes."
      ),
      ("alone", "The free bytes of pages on which only this call site has blocks."),
      (
        "JW1 to JW4",
        "Held beyond live data (Johnstone & Wilson, ISMM 1998): mean over all events; at the most"
          + " live bytes; at the most held bytes; most held against most live."
      ),
      ("work", "Holes that a policy's textbook form inspects, the blocks it splits and merges."),
    ]
    let list = terms.map { "<dt>\($0.0)</dt><dd>\($0.1)</dd>" as Markup }
    return """
      <footer>
      <h2>What the words mean</h2>
      <dl>
      \(Markup(lines: list))</dl>
      <h2>What this report cannot say</h2>
      <p>Memory that a program maps for itself, stacks, and files are not the heap's and appear only
      in what the kernel counted. A block's bytes count as touched even if the program never wrote
      them. A perfect trim is an upper bound: no real allocator returns every free page.</p>
      <p>\(made(story))</p>
      </footer>

      """
  }

  private static func made(_ story: Story) -> String {
    var text = "Made by Lacuna"
    if !story.version.isEmpty { text += " \(story.version)" }
    if !story.traceName.isEmpty { text += " from \(story.traceName)" }
    if !story.metadata.writer.isEmpty { text += ", recorded by version \(story.metadata.writer)" }
    if !story.metadata.kernel.isEmpty { text += " on Linux \(story.metadata.kernel)" }
    return text + "."
  }
}
