// The look of the page: one style sheet, light and dark, screen and paper.

/// The style sheet and the script of the page: constants, nothing from a trace enters them.
enum PageStyle {
  /// The style sheet.
  ///
  /// Colours are those of Okabe & Ito ("Color Universal Design", 2008), which people with any
  /// colour vision tell apart, darkened or lightened until they stand out from the background by
  /// at least 3 to 1. Lines differ in their dashes, too.
  static let sheet: Markup = """
    :root {
      color-scheme: light dark;
      --paper: #ffffff; --card: #f6f7f9; --ink: #1b1f24; --soft: #57606a; --rule: #d8dee4;
      --grid: #e6e9ed; --link: #0a58a8; --warn: #fff4e0; --warn-rule: #b35c00;
      --live: #0072b2; --held: #d55e00; --resident: #00805e; --measured: #1b1f24;
      --holes: #a8487f; --overhead: #56b4e9; --pinned: #d55e00; --free: #e69f00;
      --unexplained: #8c959f; --share: rgba(213, 94, 0, .20);
    }
    @media screen and (prefers-color-scheme: dark) {
      :root {
        --paper: #14171b; --card: #1d2127; --ink: #e6e9ed; --soft: #a2abb5; --rule: #343a42;
        --grid: #282d34; --link: #7ab8f5; --warn: #33270f; --warn-rule: #e69f00;
        --live: #56b4e9; --held: #f0803c; --resident: #2fc79b; --measured: #e6e9ed;
        --holes: #e39ac4; --overhead: #2b7cb0; --pinned: #f0803c; --free: #e6b94c;
        --unexplained: #8c959f; --share: rgba(240, 128, 60, .30);
      }
    }
    * { box-sizing: border-box; }
    html { -webkit-text-size-adjust: 100%; }
    body {
      margin: 0; background: var(--paper); color: var(--ink);
      font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif;
    }
    main { max-width: 1040px; margin: 0 auto; padding: 40px 32px 64px; }
    h1 { font-size: 2rem; line-height: 1.2; margin: 0 0 4px; overflow-wrap: anywhere; }
    h2 { font-size: 1.4rem; line-height: 1.25; margin: 0 0 6px; }
    h3 { font-size: 1.02rem; margin: 30px 0 8px; }
    p { margin: 0 0 12px; max-width: 48em; }
    a { color: var(--link); text-decoration-thickness: 1px; text-underline-offset: 2px; }
    code { font: .88em/1.45 ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; overflow-wrap: anywhere; }
    .command { color: var(--soft); margin-bottom: 14px; max-width: none; }
    .headline { font-size: 1.22rem; line-height: 1.45; margin: 20px 0 22px; }
    .note, figcaption { color: var(--soft); font-size: .9rem; }
    .answer { font-size: 1.08rem; overflow-wrap: anywhere; }
    section { border-top: 1px solid var(--rule); margin-top: 44px; padding-top: 28px; }

    .facts { display: flex; flex-wrap: wrap; gap: 4px 28px; margin: 0; font-size: .92rem; }
    .facts div { display: flex; gap: 7px; }
    .facts dt { color: var(--soft); }
    .facts dd { margin: 0; font-variant-numeric: tabular-nums; }

    .warning { background: var(--warn); border-left: 4px solid var(--warn-rule); padding: 12px 18px; margin: 22px 0; border-radius: 0 6px 6px 0; }
    .warning strong { display: block; margin-bottom: 2px; }
    .warning ul { margin: 0; padding-left: 1.1em; }
    .warning li { overflow-wrap: anywhere; }

    .tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 12px; margin: 0 0 26px; padding: 0; list-style: none; }
    .tiles li { background: var(--card); border-radius: 8px; padding: 12px 16px 11px; }
    .tiles b { display: block; font-size: 1.45rem; line-height: 1.25; font-weight: 650; font-variant-numeric: tabular-nums; white-space: nowrap; }
    .tiles span { color: var(--soft); font-size: .85rem; line-height: 1.35; display: block; }

    nav ol { list-style: none; margin: 0; padding: 0; counter-reset: q; }
    nav li { counter-increment: q; padding: 10px 0 10px 34px; border-top: 1px solid var(--rule); position: relative; }
    nav li::before { content: counter(q); position: absolute; left: 6px; color: var(--soft); font-variant-numeric: tabular-nums; }
    nav a { font-weight: 600; }
    nav p { margin: 1px 0 0; max-width: none; font-size: .95rem; overflow-wrap: anywhere; }

    figure { margin: 18px 0 26px; break-inside: avoid; }
    figcaption { margin-bottom: 6px; max-width: 52em; }
    figcaption b { color: var(--ink); font-size: 1rem; }
    svg.plot { display: block; overflow: visible; width: 100%; height: auto; touch-action: pan-y; }
    svg.narrow { display: none; }
    .pair { display: grid; grid-template-columns: 1fr 1fr; gap: 0 32px; }
    .pair figure { min-width: 0; }
    svg text { fill: var(--soft); font: 12px system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif; font-variant-numeric: tabular-nums; }
    svg text.name { fill: var(--ink); font-size: 13px; }
    svg text.recorded { font-weight: 700; }
    .end { text-anchor: end; } .middle { text-anchor: middle; }
    .grid { stroke: var(--grid); } .axis { stroke: var(--soft); }
    .marker { stroke: var(--soft); stroke-dasharray: 2 3; }
    .cursor { stroke: var(--ink); visibility: hidden; }
    .line { fill: none; stroke-width: 1.8; stroke-linejoin: round; stroke-linecap: round; }
    .line.live { stroke: var(--live); } .line.held { stroke: var(--held); stroke-width: 2.2; }
    .line.resident { stroke: var(--resident); stroke-dasharray: 7 4; }
    .line.measured { stroke: var(--measured); stroke-dasharray: 1 4; stroke-width: 2.2; }
    .line.holes { stroke: var(--holes); stroke-dasharray: 9 3 2 3; }
    .line.share { stroke: var(--live); }
    .dot.measured { fill: var(--measured); }
    .area { opacity: .16; } .area.live, .area.share { fill: var(--live); }
    .area.holes { fill: var(--holes); }
    .bar.peak { fill: var(--live); } .bar.end { fill: var(--free); }
    .catch { fill: transparent; } g:hover > .catch { fill: var(--grid); }
    .span { stroke: var(--rule); stroke-width: 3; }
    circle.peak { fill: var(--live); } circle.peak.recorded { fill: var(--held); }
    circle.mean { fill: var(--paper); stroke: var(--soft); stroke-width: 2; }

    .legend { list-style: none; display: flex; flex-wrap: wrap; gap: 2px 22px; margin: 4px 0 8px; padding: 0; font-size: .9rem; color: var(--soft); }
    .legend b { color: var(--ink); font-weight: 600; font-variant-numeric: tabular-nums; }
    .legend li { white-space: nowrap; }
    .reading b { display: inline-block; min-width: 4.7em; }
    .reading { column-gap: 12px; }
    .legend .moment { min-width: 7em; color: var(--ink); font-variant-numeric: tabular-nums; }
    .key { width: 26px; height: 12px; vertical-align: -1px; margin-right: 4px; }
    .swatch { display: inline-block; width: 12px; height: 12px; border-radius: 2px; margin-right: 6px; vertical-align: -1px; }
    .swatch.round { border-radius: 50%; } .swatch.hollow { background: var(--paper); border: 2px solid var(--soft); }
    .k-live { background: var(--live); } .k-overhead { background: var(--overhead); }
    .k-pinned { background: var(--pinned); } .k-free { background: var(--free); }
    .k-unexplained { background: var(--unexplained); } .k-held { background: var(--held); }
    .k-freePages { background: repeating-linear-gradient(135deg, var(--free) 0 5px, transparent 5px 7px) var(--paper); }

    .courses { display: grid; grid-template-columns: repeat(auto-fill, minmax(230px, 1fr)); gap: 14px 22px; margin-top: 10px; }
    .courses div { font-size: .85rem; min-width: 0; break-inside: avoid; }
    .courses span { color: var(--soft); white-space: nowrap; }
    .courses b { display: block; font-weight: 600; overflow-wrap: anywhere; }
    svg.course { display: block; width: 100%; height: auto; margin-top: 3px; }
    svg.course .line { stroke-dasharray: none; stroke-width: 1.5; }

    .part { display: grid; grid-template-columns: 6.5em 1fr 8em; gap: 4px 10px; align-items: center; margin-bottom: 8px; font-size: .95rem; font-variant-numeric: tabular-nums; }
    .stack { display: flex; height: 26px; border-radius: 4px; overflow: hidden; background: var(--card); }
    .stack i { display: block; height: 100%; flex: none; }

    .scroll { overflow-x: auto; margin: 8px 0 6px; }
    table { border-collapse: collapse; width: 100%; font-size: .92rem; font-variant-numeric: tabular-nums; }
    caption { text-align: left; color: var(--soft); font-size: .9rem; padding-bottom: 6px; }
    th, td { padding: 6px 10px; text-align: left; vertical-align: baseline; border-bottom: 1px solid var(--rule); }
    th { font-weight: 600; color: var(--soft); font-size: .85rem; vertical-align: bottom; line-height: 1.3; }
    tbody th { white-space: nowrap; color: var(--ink); font-size: inherit; font-weight: 500; vertical-align: baseline; }
    th:first-child, td:first-child { padding-left: 4px; }
    .num { text-align: right; white-space: nowrap; }
    thead .num { white-space: normal; }
    tr.recorded { background: var(--card); } tr.recorded th { font-weight: 700; }
    td.definition { width: 58%; color: var(--soft); font-size: .88rem; }
    .heaps tbody th { min-width: 10em; max-width: 22em; white-space: normal; }
    .sites { table-layout: fixed; min-width: 560px; }
    .sites .site { width: auto; } .sites .share { width: 17%; } .sites .figure { width: 11%; }
    .sites .count { width: 9%; }
    .sites td { vertical-align: top; }
    .sites .share.num { background: linear-gradient(to right, var(--share) var(--part), transparent 0) no-repeat 0 5px / 100% 1.75em; }
    .share small { color: var(--soft); font-size: .85em; margin-left: 8px; display: inline-block; min-width: 3.4em; }
    details summary { cursor: pointer; }
    .site summary { list-style: none; position: relative; padding-left: 16px; }
    .site summary::-webkit-details-marker { display: none; }
    .site summary::before { content: "▸"; position: absolute; left: 2px; color: var(--soft); }
    .site [open] summary::before { content: "▾"; }
    .site details:not([open]) summary code { display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 2; overflow: hidden; }
    details summary:focus-visible, a:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
    .place { color: var(--soft); font-size: .85rem; display: block; overflow-wrap: anywhere; }
    .amounts { margin: 8px 0 0 16px; color: var(--soft); font-size: .88rem; }
    .frames { margin: 6px 0 4px; padding-left: 2em; color: var(--soft); font-size: .88rem; }
    .frames code { color: var(--ink); }
    .frames li { padding: 1px 0; overflow-wrap: anywhere; }
    .more { margin: 8px 0 0; } .more > summary { color: var(--link); padding: 4px; }
    .better { color: var(--resident); } .worse { color: var(--held); }
    footer { border-top: 1px solid var(--rule); margin-top: 48px; padding-top: 24px; color: var(--soft); font-size: .9rem; }
    footer dl { display: grid; grid-template-columns: max-content 1fr; gap: 5px 18px; margin: 8px 0 20px; }
    footer dt { color: var(--ink); font-weight: 600; } footer dd { margin: 0; max-width: 46em; }
    footer h2 { font-size: 1.05rem; color: var(--ink); }

    @media (max-width: 700px) {
      main { padding: 22px 16px 40px; }
      h1 { font-size: 1.55rem; } .headline { font-size: 1.08rem; }
      svg.wide { display: none; } svg.narrow { display: block; }
      .pair { grid-template-columns: 1fr; }
      .tiles { grid-template-columns: 1fr 1fr; } .tiles b { font-size: 1.2rem; }
      .minor { display: none; }
      .sites { min-width: 0; } .sites .share { width: 38%; }
      th, td { padding: 6px 6px; }
      .part { grid-template-columns: 1fr max-content; }
      .part .stack { grid-column: 1 / -1; grid-row: 2; }
      .heaps tbody th { min-width: 8em; }
      footer dl { grid-template-columns: 1fr; gap: 0; } footer dd { margin-bottom: 8px; }
      nav li { padding-left: 26px; } nav li::before { left: 2px; }
    }
    @media print {
      body { font-size: 10.5pt; }
      main { max-width: none; padding: 0; }
      * { -webkit-print-color-adjust: exact; print-color-adjust: exact; }
      .cursor, .more > summary { display: none; }
      section { break-inside: auto; } h2, h3 { break-after: avoid; } tr { break-inside: avoid; }
    }
    """
}
