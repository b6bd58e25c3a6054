// Charts, drawn from the tables under them: the numbers stand in the page once. Colours are the
// page's own, so a chart is drawn anew where the theme changes.
"use strict";
(() => {
  const places = [...document.querySelectorAll("[data-chart]")];
  if (!places.length || !window.uPlot) return;
  const day = 86400;
  const dashes = [[], [6, 4], [2, 3]];
  const looks = ["solid", "dashed", "dotted"];
  const number = (cell) => Number(cell.textContent.replaceAll(",", ""));
  // A token holds both themes' colours; what is drawn with it is the one in force.
  function colour(name) {
    places[0].style.color = `var(${name})`;
    const inForce = getComputedStyle(places[0]).color;
    places[0].style.color = "";
    return inForce;
  }
  function read(table) {
    const names = [...table.tHead.rows[0].cells].filter((cell) => cell.matches(".count")).map((cell) => cell.textContent);
    const rows = [...table.tBodies[0].rows].map((row) => ({
      label: row.cells[0].textContent.trim(),
      counts: [...row.querySelectorAll("td.count")].map(number),
    }));
    return { names, rows };
  }
  function style(axis) {
    return {
      stroke: colour("--muted"), font: "12px system-ui, sans-serif",
      grid: { stroke: colour("--line"), width: 1 }, ticks: { stroke: colour("--line"), width: 1, size: 4 }, ...axis,
    };
  }
  const whole = (_chart, values) => values.map((value) => (Number.isInteger(value) ? value.toLocaleString("en") : ""));
  const top = (_chart, _low, high) => [0, Math.max(4, Math.ceil((high ?? 0) * 1.1))];
  function lines(table, width) {
    const { names, rows } = read(table);
    rows.reverse();
    const colours = ["--green", "--red", "--accent"].map(colour);
    return [{
      width, height: 240, tzDate: (stamp) => uPlot.tzDate(new Date(stamp * 1000), "UTC"),
      scales: { x: { time: true, range: (_chart, low, high) => [low - day / 4, high + day / 4] }, y: { range: top } },
      axes: [style({ incrs: [1, 2, 7, 14, 30].map((days) => days * day), values: "{MMM} {D}", space: 56 }), style({ size: 48, values: whole })],
      legend: { markers: { width: 2, dash: (_chart, place) => looks[place - 1] } },
      series: [
        { label: "Day (UTC)", value: (_chart, stamp) => (stamp == null ? "" : new Date(stamp * 1000).toISOString().slice(0, 10)) },
        ...names.map((label, place) => ({
          label, value: (_chart, count) => (count == null ? "" : count.toLocaleString("en")), stroke: colours[place], dash: dashes[place], width: 2,
          points: { show: rows.length <= 31, size: 5 + place, fill: place ? colour("--surface") : colours[place] },
        })),
      ],
    }, [rows.map((row) => Date.parse(row.label) / 1000), ...names.map((_name, place) => rows.map((row) => row.counts[place]))]];
  }
  function bars(table, width) {
    const { rows } = read(table);
    const places = rows.map((_row, place) => place);
    const small = width < 480;
    function tell(chart) {
      const { ctx } = chart;
      ctx.save();
      ctx.font = `${12 * devicePixelRatio}px system-ui, sans-serif`;
      ctx.fillStyle = colour("--text");
      ctx.textBaseline = "middle";
      ctx.textAlign = "left";
      for (const place of places) {
        const count = rows[place].counts[0];
        ctx.fillText(count.toLocaleString("en"), chart.valToPos(count, "y", true) + 6 * devicePixelRatio, chart.valToPos(place, "x", true));
      }
      ctx.restore();
    }
    return [{
      width, height: 32 * rows.length + 16, padding: [8, 16, 0, 0], legend: { show: false }, cursor: { show: false },
      scales: {
        x: { time: false, ori: 1, dir: -1, range: () => [-0.5, rows.length - 0.5] },
        y: { ori: 0, range: (_chart, _low, high) => [0, (high || 1) * 1.15] },
      },
      axes: [
        style({ side: 3, size: small ? 132 : 220, gap: 8, stroke: colour("--text"), splits: () => places, grid: { show: false }, ticks: { show: false },
          values: () => rows.map((row) => (small && row.label.length > 19 ? `${row.label.slice(0, 18)}…` : row.label)) }),
        style({ side: 2, show: false }),
      ],
      series: [{}, { stroke: colour("--accent"), fill: colour("--accent"), width: 0, paths: uPlot.paths.bars({ size: [0.6, 20] }), points: { show: false } }],
      hooks: { draw: [tell] },
    }, [places, rows.map((row) => row.counts[0])]];
  }
  const drawn = new Map();
  function draw(place) {
    drawn.get(place)?.destroy();
    const [options, data] = (place.dataset.chart === "lines" ? lines : bars)(document.getElementById(place.dataset.from), place.clientWidth);
    drawn.set(place, new uPlot(options, data, place));
    place.dataset.drawn = data.slice(1).map((counts) => counts.join(" ")).join("|");
  }
  const drawAll = () => places.forEach(draw);
  for (const place of places) place.hidden = false;
  drawAll();
  let width = places[0].clientWidth;
  new ResizeObserver(() => {
    if (places[0].clientWidth === width) return;
    width = places[0].clientWidth;
    drawAll();
  }).observe(places[0]);
  new MutationObserver(drawAll).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
})();
