// Would trimming help: whole free pages against what is pinned.

import Analysis
import MemoryUnits

enum TrimSection {
  static func content(_ heap: HeapMeasures) -> Markup {
    let rows = [("at the peak", heap.atPeak), ("at the end", heap.atEnd)].map {
      name, at -> Markup in
      """
      <tr><th scope="row">\(name)</th><td class="num">\(at.held)</td>\
      <td class="num">\(at.freePageBytes)</td>\
      <td class="num minor">\(Formats.percent(fraction(at.freePageBytes, of: at.held)))</td>\
      <td class="num">\(at.pinned)</td>\
      <td class="num minor">\(Formats.percent(fraction(at.pinned, of: at.held)))</td></tr>
      """
    }
    return """
      <div class="scroll"><table>
      <thead><tr><th scope="col"></th><th scope="col" class="num">held</th>\
      <th scope="col" class="num">whole free pages</th><th scope="col" class="num minor">of held</th>\
      <th scope="col" class="num">pinned</th><th scope="col" class="num minor">of held</th></tr></thead>
      <tbody>
      \(Markup(lines: rows))</tbody></table></div>
      <p class="note">Whole free pages are pages of 4 KiB that the recorded heap holds and on which \
      nothing lives: the most that a trim at that moment (malloc_trim, for one) can return, wherever \
      in the heap they lie. What it really returns is less where the allocator keeps pages back, or \
      returned them before. Pinned bytes stay until what lives on their pages is freed or moved.</p>

      """
  }
}
