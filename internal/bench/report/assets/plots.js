"use strict";
// Draws the plots of the document, each when it comes near the screen: a comparison may have
// hundreds, and a canvas is a megabyte.
(() => {
  const HEIGHT = 240;
  const PAPER = 680; // pixels that fit on a printed page
  const DASHES = [[], [8, 4], [2, 3], [10, 3, 2, 3]]; // colours are not all that tells lines apart
  const root = document.documentElement;
  const drawn = new Map(); // element → uPlot

  const colour = (name) => getComputedStyle(root).getPropertyValue(name).trim();
  const short = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 });
  const exact = new Intl.NumberFormat("en", { maximumSignificantDigits: 6 });
  const tick = (u, values) => values.map((v) => (v == null ? "" : short.format(v)));
  const shown = (unit) => (u, v) => (v == null ? "–" : exact.format(v) + (unit ? " " + unit : ""));

  function axis(label, more) {
    return { label, stroke: colour("--text"), grid: { stroke: colour("--line"), width: 1 }, ticks: { stroke: colour("--line"), width: 1 },
      values: tick, labelSize: 22, font: "12px system-ui, sans-serif", labelFont: "12px system-ui, sans-serif", ...more };
  }

  function series(plot, name, i) {
    const stroke = colour("--s" + (i % 4));
    const line = { label: name, stroke, width: 1.5, dash: DASHES[i % 4], points: { fill: colour("--back") }, value: shown(plot.kind === "steps" ? "%" : "") };
    if (plot.kind === "steps") {
      Object.assign(line, { paths: uPlot.paths.stepped({ align: 1 }), fill: stroke + "55", points: { show: false } });
    }
    return line;
  }

  // Upright lines where the percentiles are, with their names at the top; one that would
  // cover another's name gets its own a line lower.
  function marks(plot) {
    return (u) => {
      const c = u.ctx, { left, top, width, height } = u.bbox, size = 11 * devicePixelRatio;
      let end = -Infinity, row = 0;
      c.save();
      c.strokeStyle = c.fillStyle = colour("--text");
      c.font = size + "px system-ui, sans-serif";
      c.textBaseline = "top";
      for (const m of plot.marks) {
        const x = Math.round(u.valToPos(m.at, "x", true));
        if (x < left || x > left + width) continue;
        const text = c.measureText(m.name).width + 6 * devicePixelRatio;
        row = x < end ? row + 1 : 0;
        const before = x + text > left + width;
        end = x + text;
        c.setLineDash([3, 3]);
        c.beginPath(); c.moveTo(x, top); c.lineTo(x, top + height); c.stroke();
        c.textAlign = before ? "right" : "left";
        c.fillText(m.name, x + (before ? -3 : 3) * devicePixelRatio, top + row * size * 1.2);
      }
      c.restore();
    };
  }

  function draw(plot, element) {
    drawn.get(element)?.destroy();
    const single = plot.at.length === 1;
    const u = new uPlot({
      width: width(element), height: HEIGHT,
      padding: [10, 14, 0, 0],
      scales: {
        x: { time: false, distr: plot.logX ? 3 : 1, ...(single ? { range: [0, 2] } : plot.logX ? { range: (u, from, to) => [from, to] } : {}) },
        y: plot.logY ? { distr: 3 } : { range: (u, from, to) => [0, to > 0 ? to * 1.08 : 1] },
      },
      axes: [axis(plot.x), axis(plot.y, { size: 56 })],
      series: [{ label: plot.x, value: shown("") }, ...plot.series.map((s, i) => series(plot, s.name, i))],
      cursor: { drag: { x: true, y: false } },
      hooks: plot.marks ? { draw: [marks(plot)] } : {},
    }, [plot.at, ...plot.series.map((s) => s.values)], element);
    drawn.set(element, u);
  }

  const printing = () => "printing" in root.dataset;
  const width = (element) => (printing() ? PAPER : Math.max(element.clientWidth, 120));
  const visible = (element) => element.getClientRects().length > 0; // not in what is folded

  const plots = new Map();
  for (const plot of JSON.parse(document.getElementById("plots").textContent)) {
    const element = document.getElementById(plot.id);
    element.replaceChildren();
    plots.set(element, plot);
  }
  const near = new IntersectionObserver((entries) => {
    for (const e of entries) {
      if (e.isIntersecting && !drawn.has(e.target)) draw(plots.get(e.target), e.target);
    }
  }, { rootMargin: "800px" });
  const sizes = new ResizeObserver((entries) => {
    for (const e of entries) {
      const u = drawn.get(e.target);
      if (u && !printing() && visible(e.target) && u.width !== width(e.target)) u.setSize({ width: width(e.target), height: HEIGHT });
    }
  });
  for (const element of plots.keys()) {
    near.observe(element);
    sizes.observe(element);
  }

  function redraw(which) {
    for (const element of which) draw(plots.get(element), element);
  }
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => redraw([...drawn.keys()]));
  addEventListener("beforeprint", () => {
    root.dataset.printing = "";
    redraw([...plots.keys()].filter(visible));
  });
  addEventListener("afterprint", () => {
    delete root.dataset.printing;
    redraw([...drawn.keys()]);
  });

  // A link to a folded run unfolds it.
  function unfold() {
    const target = document.getElementById(location.hash.slice(1));
    if (target instanceof HTMLDetailsElement) target.open = true;
  }
  addEventListener("hashchange", unfold);
  unfold();
})();
