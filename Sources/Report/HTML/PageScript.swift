// The one script of the page: it reads out the charts under the pointer. Nothing else needs it.

extension PageStyle {
  /// Plain JavaScript.
  ///
  /// Numbers come from `data-` attributes; text is set as text, never as HTML.
  static let script: Markup = """
    "use strict";
    function bytes(value) {
      const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
      let unit = 0;
      while (value >= 999.5 && unit + 1 < units.length) { value /= 1024; unit += 1; }
      const places = unit === 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
      return value.toFixed(places) + " " + units[unit];
    }
    function clock(nanoseconds) {
      const units = [["d", 8.64e13], ["h", 3.6e12], ["min", 6e10], ["s", 1e9], ["ms", 1e6], ["µs", 1e3]];
      for (const [name, scale] of units) {
        if (nanoseconds >= (scale > 1e9 ? 2 : 1) * scale) {
          return (nanoseconds / scale).toPrecision(3) + " " + name;
        }
      }
      return nanoseconds === 0 ? "0 s" : nanoseconds + " ns";
    }
    for (const figure of document.querySelectorAll("figure[data-times]")) {
      const times = figure.dataset.times.split(" ").map(Number);
      const isTime = figure.dataset.clock === "time";
      const format = figure.dataset.unit === "bytes" ? bytes : (v) => (v * 100).toFixed(1) + " %";
      const moment = figure.querySelector(".moment"), first = moment.textContent;
      const rows = [...figure.querySelectorAll("[data-values]")].map((row) => ({
        cell: row.querySelector("b"), first: row.querySelector("b").textContent, values: row.dataset.values.split(","),
      }));
      for (const svg of figure.querySelectorAll("svg[data-end]")) {
        const cursor = svg.querySelector(".cursor");
        const left = Number(svg.dataset.left), right = Number(svg.dataset.right);
        const end = Number(svg.dataset.end);
        const show = (event) => {
          const box = svg.getBoundingClientRect();
          const x = (event.clientX - box.left) * svg.viewBox.baseVal.width / box.width;
          const time = (x - left) / (right - left) * end;
          let near = 0;
          times.forEach((t, i) => { if (Math.abs(t - time) < Math.abs(times[near] - time)) near = i; });
          const place = left + times[near] / end * (right - left);
          cursor.setAttribute("transform", "translate(" + place.toFixed(1) + " 0)");
          cursor.style.visibility = "visible";
          moment.textContent = isTime ? clock(times[near]) : (times[near] * 100).toFixed(0) + " %";
          for (const row of rows) {
            const value = row.values[near];
            row.cell.textContent = value === "" || value === undefined ? "–" : format(Number(value));
          }
        };
        const hide = () => {
          cursor.style.visibility = "hidden";
          moment.textContent = first;
          for (const row of rows) row.cell.textContent = row.first;
        };
        svg.addEventListener("pointermove", show);
        svg.addEventListener("pointerdown", show);
        svg.addEventListener("pointerleave", hide);
      }
    }
    """
}
