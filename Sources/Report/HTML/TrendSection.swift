// Is it getting worse: utilisation and holes over the run.

import Analysis
import MemoryUnits

enum TrendSection {
  static func content(_ story: Story) -> Markup {
    let course = HeapCourse(story)
    guard course.points.count > 1 else { return .empty }
    return Markup([
      course.utilisationChart.figure(
        caption:
          "<b>Live data as a part of held memory.</b> A falling line is a heap that empties and stays."
      ),
      course.holeChart.figure(
        caption: "<b>Hole bytes.</b> A line that rises while live data stay level is fragmentation."
      ),
      table(story.recorded),
    ])
  }

  private static func table(_ heap: HeapMeasures) -> Markup {
    guard let trend = Trend(heap.timeline) else { return .empty }
    func row(_ name: String, _ part: TrendPart) -> Markup {
      """
      <tr><th scope="row">\(name)</th><td class="num">\(ByteCount(clamping: part.live))</td>\
      <td class="num">\(ByteCount(clamping: part.held))</td>\
      <td class="num">\(Formats.percent(part.utilisation))</td>\
      <td class="num">\(ByteCount(clamping: part.holeBytes))</td></tr>
      """
    }
    return """
      <div class="scroll"><table>
      <thead><tr><th scope="col">mean over</th><th scope="col" class="num">live</th>\
      <th scope="col" class="num">held</th><th scope="col" class="num">live of held</th>\
      <th scope="col" class="num">in holes</th></tr></thead>
      <tbody>
      \(row("the first third of the run", trend.first))
      \(row("the last third", trend.last))
      </tbody></table></div>
      <p class="note">A start includes the filling of the heap, an end its emptying: compare runs, or \
      parts of a run, in which the program does the same.</p>

      """
  }
}
