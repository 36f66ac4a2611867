"use strict";
// One function per chart type. Each takes (part, box), fills box and returns what it counted:
// {notes, head, rows} (the same numbers as a table), or {empty: why} where there is nothing.

const NEUTRAL = /^\((other|none|rare|unattributed|unknown|end|start|active|no path)\)$/;

function node(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes))
    if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value);
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

// the same value has the same colour in all charts of a page
const COLOURS = new Map();
function colourOf(column, value, number = 0) {
  if (NEUTRAL.test(value)) return "var(--c0)";
  if (!column) return `var(--c${(number % 8) + 1})`;
  if (!COLOURS.has(column))
    COLOURS.set(column, choices(column).filter((name) => name !== "all" && !NEUTRAL.test(name)));
  const place = COLOURS.get(column).indexOf(value);
  return `var(--c${((place < 0 ? number : place) % 8) + 1})`;
}

function label(value) {
  if (String(value).includes(" > ")) return String(value).split(" > ").map(label).join(" → ");
  return /^[a-z0-9_]+$/.test(String(value)) ? words(value) : String(value);
}

// ---- tooltip -------------------------------------------------------------------------------

const TIP = document.getElementById("tip");
function tip(event, title, lines) {
  TIP.replaceChildren(
    node("b", {}, title),
    ...lines.map(([name, value, colour]) =>
      node("div", {}, colour ? node("i", { style: `background:${colour}` }) : null, node("span", {}, name), node("em", {}, value))));
  TIP.hidden = false;
  const { clientX: x, clientY: y } = event;
  const width = TIP.offsetWidth, height = TIP.offsetHeight;
  TIP.style.left = `${Math.max(6, Math.min(x + 14, innerWidth - width - 6))}px`;
  TIP.style.top = `${y + height + 24 > innerHeight ? Math.max(6, y - height - 12) : y + 16}px`;
}
function untip() { TIP.hidden = true; }
function tipped(element, title, lines) {
  element.addEventListener("pointermove", (event) => tip(event, title, lines));
  element.addEventListener("pointerleave", untip);
  element.setAttribute("aria-label", `${title}: ${lines.map(([name, value]) => `${name} ${value}`).join(", ")}`);
}

// ---- Vega ----------------------------------------------------------------------------------

const VEGA_CONFIG = {
  background: null,
  font: "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif",
  view: { stroke: null },
  axis: {
    labelColor: "var(--soft)", labelFontSize: 11.5, titleColor: "var(--soft)", titleFontSize: 11.5, titleFontWeight: 400,
    gridColor: "var(--line)", domainColor: "var(--line-strong)", tickColor: "var(--line-strong)", labelPadding: 6,
  },
  axisY: { domain: false, ticks: false },
  axisX: { grid: false, tickSize: 4 },
  legend: { labelColor: "var(--ink)", titleColor: "var(--soft)", labelFontSize: 12 },
  mark: { color: "var(--c1)" },
  range: { category: [1, 2, 3, 4, 5, 6, 7, 8].map((n) => `var(--c${n})`) },
};

const VIEWS = [], WAITING = [];
function drawVega(box, spec, height) {
  const place = node("div", { class: "plot" });
  box.append(place);
  const full = {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    width: Math.max(place.clientWidth, 200), height, autosize: { type: "fit", contains: "padding" }, padding: { left: 2, right: 8, top: 6, bottom: 2 },
    ...spec, config: { ...VEGA_CONFIG, ...(spec.config || {}) },
  };
  WAITING.push(vegaEmbed(place, full, {
    mode: "vega-lite", renderer: "svg", actions: false, defaultStyle: false, hover: true, expressionFunctions: { shown: onAxis },
    tooltip: (handler, event, item, value) => {
      if (!value) return untip();
      if (value.tip) return tip(event, value.title, value.tip);
      tip(event, "", Object.entries(value).map(([name, text]) => [name, String(text)]));
    },
  }).then(({ view }) => VIEWS.push(view)));
}

function legend(box, entries) {
  if (entries.length < 2) return;
  box.append(node("ul", { class: "legend" }, ...entries.map(({ name, colour, value, dash }) =>
    node("li", {}, node("i", { style: `background:${colour}`, class: dash ? "dash" : "" }), node("span", {}, name), value ? node("b", {}, value) : null))));
}

const IMMATURE = "not yet mature";

// ---- over time -----------------------------------------------------------------------------

function trend(part, box) {
  const { rows, notes, table } = rowsOf(part);
  if (!rows.length) return { empty: true };
  const days = rows.map((row) => row[table.time]);
  let end = -Infinity, start = Infinity;
  for (const day of days) { if (day > end) end = day; if (day < start) start = day; }
  end = Math.max(step(end, table.unit, 1), AS_OF === null ? -Infinity : floor(AS_OF, table.unit));
  const least = { day: 14, week: 8, month: 12 }[table.unit];
  const count = PERIODS[STATE.period][table.unit];
  let first = count ? Math.max(step(end, table.unit, -Math.max(count, least)), start) : start;
  const grain = part.grain || grainOf(table, end - first);
  first = floor(first, grain);
  if (count && count < least) notes.unshift(`the last ${least} ${table.unit}s shown`);
  const shown = rows.filter((row) => row[table.time] >= first);
  const buckets = grouped(shown, (row) => floor(row[table.time], grain));
  const times = [];
  for (let day = first; day < end; day = step(day, grain, 1)) times.push(day);

  const series = [];
  if (part.by) {
    const spec = part.measures[0];
    const sizes = [...grouped(shown, part.by)].filter(([name]) => name !== null)
      .map(([name, own]) => [name, measure(own, spec.ratio ? { sum: spec.ratio[1] } : spec, table).value || 0])
      .filter(([, size]) => size > 0 || !part.stack).sort((a, b) => b[1] - a[1]);
    sizes.slice(0, part.top || 6).forEach(([name], number) =>
      series.push({ name: label(name), colour: colourOf(part.by, name, number), spec, keep: (row) => row[part.by] === name }));
    const rest = new Set(sizes.slice(part.top || 6).map(([name]) => name));
    if (rest.size && part.stack)
      series.push({ name: `${rest.size} others`, colour: "var(--c0)", spec, keep: (row) => rest.has(row[part.by]) });
  } else {
    part.measures.forEach((spec, number) => series.push({ name: spec.label, colour: spec.colour ? `var(--${spec.colour})` : `var(--c${number + 1})`, spec, keep: () => true }));
  }
  if (!series.length) return { empty: true };

  const kind = series[0].spec.format;
  const points = [], wide = [];
  let immatureFrom = null;
  for (const day of times) {
    const own = buckets.get(day) || [];
    const next = step(day, grain, 1);
    const lines = [];
    let open = AS_OF !== null && next > AS_OF;
    for (const line of series) {
      const mine = own.filter(line.keep);
      const mature = line.spec.mature || part.mature;
      if (mine.some((row) => !isMature(row, table, mature))) open = true;
    }
    if (open && immatureFrom === null) immatureFrom = day;
    series.forEach((line, number) => {
      const mine = own.filter(line.keep);
      let { value, numerator, denominator } = measure(mine, line.spec, table);
      if (value === null && line.spec.sum && !line.spec.gaps) value = 0;
      points.push({ t: day * DAY, end: next * DAY, name: line.name, number, value, open });
      const made = denominator ? ` (${show(numerator)} of ${show(denominator)})` : "";
      lines.push([line.name, show(value, line.spec.format, true) + made, line.colour]);
    });
    if (open) lines.push([IMMATURE, "can still change"]);
    wide.push({ t: day * DAY, end: next * DAY, title: bucketName(day, grain), tip: lines });
  }
  if (!points.some((point) => point.value !== null)) return { empty: true };

  const latest = (line) => {
    const own = points.filter((point) => point.name === line.name && !point.open && point.value !== null);
    return own.length ? show(own[own.length - 1].value, line.spec.format) : null;
  };
  legend(box, series.map((line) => ({ name: line.name, colour: line.colour, value: part.stack ? null : latest(line) })));

  const half = ((times[1] || step(times[0], grain, 1)) - times[0]) / 2 * DAY;
  const columns = part.style === "columns";
  const x = { field: "t", type: "temporal", scale: { type: "utc" }, axis: { title: null, format: grain === "month" ? "%b %y" : "%-d %b", labelOverlap: "greedy", labelFlush: true, tickCount: Math.max(2, Math.round(box.clientWidth / 110)) } };
  const y = { field: "value", type: "quantitative", axis: { title: null, tickCount: 4, labelExpr: `shown(datum.value, '${kind}')` }, stack: part.stack ? "zero" : null };
  const color = { field: "name", type: "nominal", legend: null, sort: null, scale: { domain: series.map((line) => line.name), range: series.map((line) => line.colour) } };
  const layers = [];
  if (immatureFrom !== null)
    layers.push({
      data: { values: [{ a: immatureFrom * DAY - (columns ? 0 : half), b: end * DAY - (columns ? 0 : half) }] },
      mark: { type: "rect", fill: "url(#hatch)", clip: true },
      encoding: { x: { field: "a", type: "temporal", scale: { type: "utc" } }, x2: { field: "b" } },
    });
  const order = { field: "number", type: "quantitative" };
  if (columns) {
    const up = new Map(), down = new Map();
    for (const point of points) {
      const side = point.value < 0 ? down : up;
      point.low = part.stack ? side.get(point.t) || 0 : 0;
      point.high = point.low + (point.value || 0);
      side.set(point.t, point.high);
    }
    const pad = times.length > 60 ? 0.5 : 1.5;
    layers.push({
      data: { values: points.filter((point) => point.value) },
      mark: { type: "rect", xOffset: pad, x2Offset: -pad },
      encoding: { x, x2: { field: "end" }, y: { ...y, field: "high", stack: null }, y2: { field: "low" }, color, opacity: { condition: { test: "datum.open", value: 0.55 }, value: 1 } },
    });
  } else {
    const solid = points.filter((point) => !point.open);
    const last = solid.length ? solid[solid.length - 1].t : null;
    const tail = points.filter((point) => point.open || point.t === last);
    if (part.style === "area")
      layers.push({ data: { values: points }, mark: { type: "area", opacity: part.stack ? 0.85 : 0.16, line: false, interpolate: "monotone" }, encoding: { x, y, color, order } });
    if (!(part.style === "area" && part.stack)) {
      layers.push({ data: { values: solid }, mark: { type: "line", strokeWidth: 2.2, interpolate: "monotone", point: times.length <= 32 ? { size: 22, filled: true } : false }, encoding: { x, y, color } });
      if (tail.length > 1)
        layers.push({ data: { values: tail }, mark: { type: "line", strokeWidth: 1.8, strokeDash: [4, 4], interpolate: "monotone" }, encoding: { x, y, color } });
    }
  }
  layers.push({
    data: { values: wide.map((row) => ({ ...row, a: row.t - (columns ? 0 : half), b: row.end - (columns ? 0 : half) })) },
    params: [{ name: "over", select: { type: "point", on: "pointerover", clear: "pointerout", encodings: ["x"] } }],
    mark: { type: "rect", fill: "var(--ink)", tooltip: { signal: "datum" }, clip: true },
    encoding: { x: { field: "a", type: "temporal", scale: { type: "utc" } }, x2: { field: "b" }, opacity: { condition: { param: "over", empty: false, value: 0.07 }, value: 0 } },
  });
  drawVega(box, { layer: layers, resolve: { scale: { color: "independent" } } }, part.height || 230);
  if (immatureFrom !== null) notes.push(`hatched: ${IMMATURE}, from ${shortDate(immatureFrom)}`);
  return {
    notes: [`by ${grain}`, ...notes],
    head: [words(grain), ...series.map((line) => line.name), "Mature"],
    rows: wide.map((row, number) => [row.title, ...series.map((_, k) => row.tip[k][1]), points[number * series.length].open ? "not yet" : "yes"]),
  };
}

// ---- over a number (periods since the start) -----------------------------------------------

function curve(part, box) {
  const found = counted({ ...part, mature: part.old_enough }); // else maturity is each point's own
  const { table } = found;
  let rows = found.rows.filter((row) => row[part.x] !== null && (!part.mature || row[part.mature] === true));
  if (part.from_x !== undefined) rows = rows.filter((row) => row[part.x] >= part.from_x);
  if (!rows.length) return { empty: true, ...found };
  const spec = part.measures[0];
  let names = part.by ? [...grouped(rows, part.by).keys()] : [spec.label];
  if (part.by && part.top) names = names.sort().slice(-part.top);
  const series = names.map((name, number) => ({
    name: part.by ? (typeof name === "number" ? bucketName(name, "month") : label(name)) : name,
    colour: part.by ? (typeof name === "number" ? `var(--c${number + 1})` : colourOf(part.by, name, number)) : "var(--c1)",
    rows: part.by ? rows.filter((row) => row[part.by] === name) : rows,
  }));
  const points = [];
  let few = 0;
  for (const line of series) {
    let whole = 0;
    for (const [x, own] of [...grouped(line.rows, part.x)].sort((a, b) => a[0] - b[0])) {
      const { value, numerator, denominator } = measure(own, spec, table);
      if (value === null) continue;
      // what only goes up may not fall because its younger cohorts are not old enough
      if (part.whole && denominator < whole) { few += 1; continue; }
      whole = Math.max(whole, denominator || 0);
      if (spec.format === "percent" && denominator < 10) { few += 1; continue; }
      const bounds = spec.ratio && !spec.scale && spec.format === "percent" ? wilson(numerator, denominator) : null;
      points.push({
        x, name: line.name, value, low: bounds ? bounds[0] : value, high: bounds ? bounds[1] : value, title: `${part.x_label || words(part.x)} ${x}`,
        tip: [[line.name, show(value, spec.format, true), line.colour], ...(denominator && spec.format === "percent" ? [["of", show(denominator, "number", true)]] : [])],
      });
    }
  }
  if (!points.length) return { empty: true, ...found };
  legend(box, series.filter((line) => points.some((point) => point.name === line.name)));
  const places = [...new Set(points.map((point) => point.x))];
  const x = { field: "x", type: "quantitative", axis: { title: part.x_label || words(part.x), format: "d", ...(places.length <= 14 ? { values: places } : { tickMinStep: 1, tickCount: 12 }) }, scale: { nice: false, zero: false, padding: 4 } };
  const y = { field: "value", type: "quantitative", axis: { title: null, tickCount: 5, labelExpr: `shown(datum.value, '${spec.format}')` }, scale: { zero: true } };
  const color = { field: "name", type: "nominal", legend: null, sort: null, scale: { domain: series.map((line) => line.name), range: series.map((line) => line.colour) } };
  drawVega(box, {
    data: { values: points },
    layer: [
      ...(series.length === 1 ? [{ mark: { type: "area", opacity: 0.16 }, encoding: { x, y: { ...y, field: "low" }, y2: { field: "high" }, color } }] : []),
      { mark: { type: "line", strokeWidth: 2.2, interpolate: "monotone" }, encoding: { x, y, color } },
      { mark: { type: "point", filled: true, size: 42, opacity: 1, tooltip: { signal: "datum" } }, encoding: { x, y, color } },
    ],
  }, part.height || 260);
  if (series.length === 1 && spec.format === "percent") found.notes.push("band: Wilson 95 % bounds");
  if (few) found.notes.push(`${few} points left out: fewer than 10 people${part.whole ? ", or not all of the line old enough" : ""}`);
  return { notes: found.notes, head: [part.x_label || words(part.x), "Line", spec.label], rows: points.map((p) => [p.x, p.name, p.tip[0][1]]) };
}

// ---- bars, one per value -------------------------------------------------------------------

function groupsOf(part, found) {
  const { table } = found;
  let rows = found.rows;
  if (part.mature) rows = rows.filter((row) => isMature(row, table, part.mature));
  const keys = part.dimensions || [part.dimension];
  const groups = [...grouped(rows.filter((row) => row[keys[0]] !== null), (row) => keys.map((key) => row[key]).join("\u0001"))].map(([, own]) => ({
    keys: keys.map((key) => own[0][key]),
    cells: part.measures.map((spec) => measure(own, spec, table)),
    order: part.number ? own[0][part.number] : null,
  }));
  const sorted = part.sort ? part.measures.findIndex((spec) => spec.label === part.sort) : 0;
  groups.sort((a, b) => part.number ? a.order - b.order : (b.cells[sorted].value ?? -Infinity) - (a.cells[sorted].value ?? -Infinity) || (a.keys[0] < b.keys[0] ? -1 : 1));
  return groups.filter((group) => group.cells.some((cell) => cell.value !== null && (cell.value !== 0 || part.keep_zero || cell.denominator)));
}

function bars(part, box) {
  const found = counted(part);
  let groups = groupsOf(part, found);
  if (!groups.length) return { empty: true, ...found };
  const spec = part.measures[0];
  const left = groups.length - (part.limit || 10);
  groups = groups.slice(0, part.limit || 10);
  const bounds = groups.map(({ cells: [cell] }) => (spec.ratio && spec.format === "percent" ? wilson(cell.numerator, cell.denominator) : null));
  const top = Math.max(...groups.map(({ cells: [cell] }, n) => Math.max(cell.value || 0, bounds[n] && cellIsSolid(cell) ? bounds[n][1] : 0)), 1e-9);
  const list = node("ul", { class: "bars" });
  groups.forEach(({ keys, cells }, number) => {
    const [cell] = cells;
    const name = keys.map(label).join(" · ");
    const colour = part.colour_by_value ? colourOf(part.dimension, keys[0], number) : NEUTRAL.test(keys[0]) ? "var(--c0)" : "var(--c1)";
    const few = spec.ratio && spec.format === "percent" && cell.denominator < 30;
    const track = node("span", { class: "track" }, node("span", { class: few ? "fill few" : "fill", style: `width:${Math.max((100 * (cell.value || 0)) / top, 0.4)}%;--colour:${colour}` }));
    if (bounds[number] && cellIsSolid(cell))
      track.append(node("span", { class: "whisker", style: `left:${(100 * bounds[number][0]) / top}%;width:${(100 * (bounds[number][1] - bounds[number][0])) / top}%` }));
    const rest = cells.slice(1).map((other, k) => `${show(other.value, part.measures[k + 1].format)} ${part.measures[k + 1].label.toLowerCase()}`);
    const of = cell.denominator !== undefined && spec.format === "percent" ? `of ${show(cell.denominator)}` : "";
    const item = node("li", {}, node("span", { class: "name", title: name }, name), track,
      node("span", { class: "value" }, node("b", {}, show(cell.value, spec.format)), node("small", {}, [of, ...rest].filter(Boolean).join(" · "))));
    tipped(item, name, [
      ...cells.map((each, k) => [part.measures[k].label, show(each.value, part.measures[k].format, true) + (each.denominator ? ` (${show(each.numerator)} of ${show(each.denominator)})` : "")]),
      ...(bounds[number] ? [["95 % bounds", `${show(bounds[number][0], "percent")} – ${show(bounds[number][1], "percent")}`]] : []),
      ...(few ? [["few", "fewer than 30 counted: a hint, no more"]] : []),
    ]);
    list.append(item);
  });
  box.append(list);
  const notes = [...found.notes];
  if (left > 0) notes.push(`${left} smaller ones not shown`);
  return { notes, ...asTable(part, groups) };
}

function cellIsSolid(cell) { return cell.denominator >= 5; }

function asTable(part, groups) {
  return {
    head: [...(part.dimensions || [part.dimension]).map(words), ...part.measures.map((spec) => spec.label)],
    rows: groups.map(({ keys, cells }) => [...keys.map(label), ...cells.map((cell, k) => show(cell.value, part.measures[k].format, true))]),
  };
}

// ---- table ---------------------------------------------------------------------------------

function table(part, box) {
  const found = counted(part);
  const every = groupsOf(part, found);
  if (!every.length) return { empty: true, ...found };
  const empty = part.measures.filter((_, k) => every.every(({ cells }) => cells[k].value === null));
  if (empty.length) {
    const keep = part.measures.map((spec) => !empty.includes(spec));
    for (const group of every) group.cells = group.cells.filter((_, k) => keep[k]);
    part = { ...part, measures: part.measures.filter((_, k) => keep[k]) };
  }
  const groups = every.slice(0, part.limit || 12);
  const keys = part.dimensions || [part.dimension];
  const tops = part.measures.map((_, k) => Math.max(...groups.map(({ cells }) => Math.abs(cells[k].value) || 0), 1e-9));
  const head = node("tr", {}, ...keys.map((key, k) => node("th", { scope: "col" }, (part.labels || [])[k] || words(key))),
    ...part.measures.map((spec) => node("th", { scope: "col", class: spec.format === "text" ? "" : "figure" }, spec.label)));
  const body = groups.map(({ keys: values, cells }) => node("tr", {},
    ...values.map((value, k) => node(k ? "td" : "th", k ? {} : { scope: "row" }, value === null ? "–" : part.raw ? String(value) : label(value))),
    ...cells.map((cell, k) => {
      const spec = part.measures[k];
      if (spec.format === "flag") return node("td", { class: "figure" }, cell.value ? node("span", { class: "chip" }, spec.label) : "");
      if (spec.format === "passed") return node("td", { class: "figure" }, cell.value ? node("span", { class: "chip good" }, "✓ passed") : node("span", { class: "chip bad" }, "✗ failed"));
      const text = show(cell.value, spec.format);
      if (spec.format === "text") return node("td", {}, text);
      const td = node("td", { class: "figure" + (spec.bar ? " barred" : "") });
      if (spec.bar && cell.value !== null)
        td.append(node("span", { class: `under ${spec.bar === "bad" ? "warn" : ""}`, style: `width:${(100 * Math.abs(cell.value)) / tops[k]}%` }));
      td.append(node("span", { class: cell.value === 0 ? "text zero" : "text" }, text));
      tipped(td, `${values.map(label).join(" · ")}: ${spec.label}`, [[spec.label, show(cell.value, spec.format, true)],
        ...(cell.denominator ? [["counted", `${show(cell.numerator, "number", true)} of ${show(cell.denominator, "number", true)}`]] : [])]);
      return td;
    })));
  box.append(node("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": part.title }, node("table", { class: "numbers" }, node("thead", {}, head), node("tbody", {}, ...body))));
  const notes = [...found.notes];
  if (every.length > groups.length) notes.push(`${groups.length} of ${every.length} rows`);
  if (empty.length) notes.push(`nobody told of: ${empty.map((spec) => spec.label.toLowerCase()).join(", ")}`);
  return { notes, ...asTable(part, every) };
}

// ---- funnel --------------------------------------------------------------------------------

function funnel(part, box) {
  const found = counted(part);
  const rows = found.rows.filter((row) => !part.mature || isMature(row, found.table, part.mature));
  const spec = part.measures[0];
  const steps = [...grouped(rows, part.number)].sort((a, b) => a[0] - b[0]).map(([number, own]) => ({
    number, name: [...new Set(own.map((row) => row[part.step]))].map(label).join(" or "),
    ...measure(own, spec, found.table),
    extra: part.measures.slice(1).map((other) => measure(own, other, found.table)),
  }));
  if (!steps.length || !steps.some((each) => each.denominator)) return { empty: true, ...found };
  const list = node("ol", { class: "funnel" });
  steps.forEach((each, number) => {
    const before = number ? steps[number - 1] : null;
    const share = each.value || 0;
    const item = node("li", {},
      node("span", { class: "name" }, node("i", {}, String(number + 1)), each.name),
      node("span", { class: "track" },
        before ? node("span", { class: "lost", style: `width:${100 * Math.min(1, before.value || 0)}%` }) : null,
        node("span", { class: "fill", style: `width:${Math.max(100 * share, 0.4)}%` })),
      node("span", { class: "value" }, node("b", {}, show(share, "percent")), node("small", {}, `${show(each.numerator)} of ${show(each.denominator)}`)));
    const lines = [["reached", `${show(each.numerator, "number", true)} of ${show(each.denominator, "number", true)}`], ["share of all", show(share, "percent")]];
    if (before && before.numerator) {
      const kept = each.numerator / before.numerator;
      const lost = before.numerator - each.numerator;
      lines.push(["of the step before", show(kept, "percent")]);
      item.prepend(node("span", { class: "drop" }, lost >= 0 ? `${show(1 - kept, "percent")} lost here (${show(lost)})` : `${show(-lost)} more than the step before`));
    }
    part.measures.slice(1).forEach((other, k) => lines.push([other.label, show(each.extra[k].value, other.format)]));
    tipped(item, each.name, lines);
    list.append(item);
  });
  box.append(list);
  return {
    notes: found.notes,
    head: ["Step", "Reached", "Of", "Share", ...part.measures.slice(1).map((m) => m.label)],
    rows: steps.map((s) => [s.name, show(s.numerator, "number", true), show(s.denominator, "number", true), show(s.value, "percent"), ...s.extra.map((e, k) => show(e.value, part.measures[k + 1].format, true))]),
  };
}

// ---- heatmap -------------------------------------------------------------------------------

function heatmap(part, box) {
  const all = rowsOf(part);
  const data = all.table;
  let rows = all.rows.filter((row) => row[part.rows] !== null && row[part.columns] !== null);
  if (!rows.length) return { empty: true };
  const notes = all.notes;
  const isDate = (column) => data.columns[data.names.indexOf(column)].kind === "date";
  const name = (column, value) => (isDate(column) ? bucketName(value, part.unit || data.unit || "day").replace("Week of ", "") : label(value));
  if (data.time && data.time === part.rows) {
    const count = PERIODS[STATE.period][data.unit];
    const starts = [...new Set(rows.map((row) => row[data.time]))].sort((a, b) => b - a);
    const keep = Math.min(starts.length, Math.max(count || starts.length, 12), 26);
    const from = starts[keep - 1];
    rows = rows.filter((row) => row[data.time] >= from);
    notes.unshift(`the ${keep} latest ${data.unit}s of ${starts.length}`);
  } else if (data.time) {
    const inside = data.time === part.columns ? { rows: within(rows, data, step(Math.max(...rows.map((r) => r[data.time])), data.unit, -(Math.max(PERIODS[STATE.period][data.unit] || 24, 12) - 1)), Infinity), notes: [] } : counted(part);
    rows = inside.rows; notes.unshift(...inside.notes.filter((note) => !notes.includes(note)));
  }
  if (!rows.length) return { empty: true };
  const spec = part.measures[0];
  const order = (column) => {
    const values = [...new Set(rows.map((row) => row[column]))];
    return typeof values[0] === "number" ? values.sort((a, b) => a - b) : values.sort((a, b) => (a < b ? -1 : 1));
  };
  const across = order(part.columns);
  let down = order(part.rows);
  if (!isDate(part.rows) && part.sort_rows !== "name")
    down = down.map((value) => [value, measure(rows.filter((row) => row[part.rows] === value), spec, data).value || 0]).sort((a, b) => b[1] - a[1]).map(([value]) => value);
  if (part.share) {
    const totals = new Map([...grouped(rows, part.columns)].map(([key, own]) => [key, total(own, part.share)]));
    for (const row of rows) row._all = totals.get(row[part.columns]);
  }
  const cells = new Map();
  for (const [key, own] of grouped(rows, (row) => `${row[part.rows]}\u0001${row[part.columns]}`)) {
    const mature = own.every((row) => isMature(row, { ...data, time: data.time === part.columns ? data.time : null }, part.mature));
    const cell = part.share
      ? { numerator: total(own, part.share), denominator: own[0]._all, value: own[0]._all ? total(own, part.share) / own[0]._all : null }
      : measure(own, spec, data);
    cells.set(key, { ...cell, mature, on: part.mature_on ? own[0][part.mature_on] : null });
  }
  const skip = new Set(part.unscaled || []);
  let top = 0;
  for (const r of down) for (const c of across) {
    const cell = cells.get(`${r}\u0001${c}`);
    if (cell && cell.mature && !skip.has(c) && cell.value > top) top = cell.value;
  }
  const paint = (cell, c) => {
    if (!cell || (cell.value === null && cell.mature)) return node("td", { class: "none" }, "");
    if (!cell.mature) return node("td", { class: "immature" }, node("span", {}, ""));
    const strength = skip.has(c) ? 0 : Math.min(1, (cell.value || 0) / (top || 1));
    const td = node("td", { style: `--v:${strength.toFixed(3)}`, class: skip.has(c) ? "plain" : "" });
    td.textContent = spec.format === "percent" ? `${(cell.value * 100).toFixed(cell.value < 0.0995 && cell.value > 0 ? 1 : 0)}` : show(cell.value, spec.format);
    return td;
  };
  const head = node("tr", {}, node("th", { scope: "col" }, part.row_label || words(part.rows)), part.size ? node("th", { scope: "col", class: "figure" }, part.size_label || "People") : null,
    ...across.map((c) => node("th", { scope: "col" }, isDate(part.columns) ? bucketName(c, data.unit).replace(/ 20/, " ’") : label(c))));
  const lines = [], exported = [];
  const unitText = spec.format === "percent" ? "%" : "";
  if (part.overall) {
    const tr = node("tr", { class: "overall" }, node("th", { scope: "row" }, part.overall), part.size ? node("td", { class: "figure" }, show(total([...grouped(rows, part.rows).values()].map((own) => own[0]), part.size))) : null);
    for (const c of across) {
      const mature = rows.filter((row) => row[part.columns] === c && (!part.mature || row[part.mature] === true));
      const cell = { ...measure(mature, spec, data), mature: mature.length > 0 };
      const td = paint(cell, c);
      if (cell.mature) tipped(td, `${part.overall}, ${part.column_label || words(part.columns).toLowerCase()} ${label(c)}`, [[spec.label, show(cell.value, spec.format)], ["counted", `${show(cell.numerator)} of ${show(cell.denominator)}`]]);
      tr.append(td);
    }
    lines.push(tr);
  }
  for (const r of down) {
    const own = rows.find((row) => row[part.rows] === r);
    const tr = node("tr", {}, node("th", { scope: "row" }, name(part.rows, r)), part.size ? node("td", { class: "figure" }, show(own[part.size])) : null);
    exported.push([name(part.rows, r), ...across.map((c) => { const cell = cells.get(`${r}\u0001${c}`); return !cell ? "–" : cell.mature ? show(cell.value, spec.format, true) : "not yet"; })]);
    for (const c of across) {
      const cell = cells.get(`${r}\u0001${c}`);
      const td = paint(cell, c);
      if (cell) tipped(td, `${name(part.rows, r)} · ${isDate(part.columns) ? bucketName(c, data.unit) : `${part.column_label || words(part.columns).toLowerCase()} ${label(c)}`}`,
        cell.mature ? [[spec.label, show(cell.value, spec.format)], ...(cell.denominator ? [["counted", `${show(cell.numerator)} of ${show(cell.denominator)}`]] : [])]
          : [[IMMATURE, cell.on ? `mature on ${shortDate(cell.on)}` : "can still change"]]);
      tr.append(td);
    }
    lines.push(tr);
  }
  box.append(node("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": part.title }, node("table", { class: "heat" }, node("thead", {}, head), node("tbody", {}, ...lines))));
  const immature = [...cells.values()].some((cell) => !cell.mature);
  box.append(node("div", { class: "scale" }, node("span", {}, `0${unitText ? " %" : ""}`), node("i", {}), node("span", {}, show(top, spec.format)), immature ? node("span", { class: "key" }, node("i", { class: "hatch" }), IMMATURE) : null));
  return { notes, head: [part.row_label || words(part.rows), ...across.map((c) => name(part.columns, c))], rows: exported };
}

// ---- Sankey --------------------------------------------------------------------------------

const SVG = "http://www.w3.org/2000/svg";
function svgNode(tag, attributes, text) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text !== undefined) element.textContent = text;
  return element;
}

// without orange and green: these say how a way ended
const PATHS = [1, 5, 4, 6, 7];
const LEFT = /timed_out|cancel|removed/, CAME = /completed|subscribed|converted/;
const ENDS = new Set(["(end)", "(active)"]);

// places for the nodes: columns by position, in each at most `most` nodes, the rest as (other);
// order by the mean place of what comes in, so that ribbons cross little
function layout(flows, { width, height, depth, most, gap }) {
  const size = new Map();
  for (const { position, from, to, count } of flows) {
    size.set(`${position}|${from}`, (size.get(`${position}|${from}`) || 0) + count);
    if (position === depth - 1) size.set(`${depth}|${to}`, (size.get(`${depth}|${to}`) || 0) + count);
    else if (ENDS.has(to) || !flows.some((flow) => flow.position === position + 1 && flow.from === to))
      size.set(`${position + 1}|${to}`, (size.get(`${position + 1}|${to}`) || 0) + count);
  }
  const kept = new Map();
  for (let position = 0; position <= depth; position++) {
    const here = [...size].filter(([key]) => key.startsWith(`${position}|`)).map(([key, n]) => [key.slice(key.indexOf("|") + 1), n]).sort((a, b) => b[1] - a[1]);
    kept.set(position, new Set(here.slice(0, most).map(([name]) => name)));
  }
  const called = (position, name) => (kept.get(position).has(name) ? name : "(other)");
  const links = new Map(), nodes = new Map();
  const at = (position, name) => {
    const key = `${position}|${name}`;
    if (!nodes.has(key)) nodes.set(key, { key, position, name, in: 0, out: 0, ins: [], outs: [] });
    return nodes.get(key);
  };
  for (const { position, from, to, count } of flows) {
    const source = at(position, called(position, from)), target = at(position + 1, called(position + 1, to));
    const key = `${source.key}→${target.key}`;
    if (!links.has(key)) { const link = { source, target, count: 0 }; links.set(key, link); source.outs.push(link); target.ins.push(link); }
    links.get(key).count += count; source.out += count; target.in += count;
  }
  const columns = [];
  for (const each of nodes.values()) { each.size = Math.max(each.in, each.out); (columns[each.position] ||= []).push(each); }
  const tallest = Math.max(...columns.map((column) => column.reduce((sum, each) => sum + each.size, 0)));
  const most_nodes = Math.max(...columns.map((column) => column.length));
  const scale = (height - gap * (most_nodes - 1)) / tallest;
  const last = (each) => (NEUTRAL.test(each.name) ? 1 : 0);
  columns.forEach((column, position) => {
    if (position) for (const each of column) each.order = each.ins.reduce((sum, link) => sum + link.source.y * link.count, 0) / (each.in || 1);
    column.sort((a, b) => last(a) - last(b) || (position ? a.order - b.order : b.size - a.size) || (a.name < b.name ? -1 : 1));
    let y = 0;
    for (const each of column) {
      each.x = (position / (columns.length - 1 || 1)) * width; each.y = y; each.height = Math.max(each.size * scale, 1.5);
      y += each.height + gap;
    }
  });
  for (const each of nodes.values()) {
    let y = each.y;
    for (const link of each.outs.sort((a, b) => a.target.y - b.target.y)) { link.y0 = y; y += link.count * scale; }
    y = each.y;
    for (const link of each.ins.sort((a, b) => a.source.y - b.source.y)) { link.y1 = y; y += link.count * scale; }
  }
  return { nodes: [...nodes.values()], links: [...links.values()], scale, columns };
}

function sankey(part, box) {
  const found = counted(part);
  const narrow = box.clientWidth < 620;
  const depth = part.depth || 5;
  const flows = [...grouped(found.rows.filter((row) => row[part.position] > 0 && row[part.position] <= depth), (row) => `${row[part.position]}\u0001${row[part.from]}\u0001${row[part.to]}`).values()]
    .map((own) => ({ position: own[0][part.position] - 1, from: own[0][part.from], to: own[0][part.to], count: total(own, part.value) || 0 }))
    .filter((flow) => flow.count > 0);
  if (!flows.length) return { empty: true, ...found };
  // position 0 leads from (start) alone, so what people did first is the first column
  const start = flows.filter((flow) => flow.position === 0).reduce((sum, flow) => sum + flow.count, 0);
  const deepest = Math.max(...flows.map((flow) => flow.position)) + 1;
  const width = narrow ? Math.max(deepest * 150, 560) : box.clientWidth;
  const height = part.height || 420;
  const labels = Math.min(150, width / (deepest + 1) - 18);
  const plan = layout(flows, { width: width - labels - 16, height: height - 30, depth: deepest, most: part.most || 7, gap: 12 });
  const names = [...new Set(plan.nodes.filter(({ name }) => ![NEUTRAL, LEFT, CAME, /exit_rule/].some((kind) => kind.test(name))).sort((a, b) => b.size - a.size).map((each) => each.name))];
  const colour = (name) => (NEUTRAL.test(name) ? "var(--c0)" : LEFT.test(name) ? "var(--bad)" : CAME.test(name) ? "var(--good)" : name === "exit_rule" ? "var(--c8)" : `var(--c${PATHS[names.indexOf(name) % PATHS.length]})`);
  const svg = svgNode("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", class: "sankey" });
  svg.append(svgNode("title", {}, part.title));
  plan.columns.forEach((column, position) => svg.append(svgNode("text", { x: column[0].x, y: 12, class: "column" }, position === 0 ? "First" : position === 1 ? "Then" : `Step ${position + 1}`)));
  const ribbons = svgNode("g", { transform: "translate(0 24)" });
  const blocks = svgNode("g", { transform: "translate(0 24)" });
  const thick = 11;
  for (const link of plan.links) {
    const x0 = link.source.x + thick, x1 = link.target.x, middle = (x0 + x1) / 2, w = Math.max(link.count * plan.scale, 0.8);
    const y0 = link.y0 + w / 2, y1 = link.y1 + w / 2;
    const path = svgNode("path", { d: `M${x0} ${y0}C${middle} ${y0} ${middle} ${y1} ${x1} ${y1}`, "stroke-width": w, class: "ribbon", style: `stroke:${colour(link.target.name)}` });
    tipped(path, `${label(link.source.name)} → ${label(link.target.name)}`, [["went so", show(link.count, "number", true)], ["of those before", show(link.count / link.source.out, "percent")], ["of all", show(link.count / start, "percent")]]);
    ribbons.append(path);
  }
  for (const each of plan.nodes) {
    const rect = svgNode("rect", { x: each.x, y: each.y, width: thick, height: each.height, rx: 2, style: `fill:${ENDS.has(each.name) ? "url(#hatch)" : colour(each.name)}` });
    tipped(rect, label(each.name), [["here", show(each.size, "number", true)], ["of all", show(each.size / start, "percent")]]);
    blocks.append(rect);
    if (each.height < 9) continue;
    const text = svgNode("text", { x: each.x + thick + 5, y: each.y + each.height / 2 + 4, class: "node" });
    const shown_name = label(each.name).replace(/^\((.*)\)$/, "$1");
    const room = Math.floor(labels / 6.6) - 5;
    text.append(svgNode("tspan", {}, shown_name.length > room ? shown_name.slice(0, room - 1) + "…" : shown_name), svgNode("tspan", { class: "count", dx: 5 }, show(each.size)));
    blocks.append(text);
  }
  svg.append(ribbons, blocks);
  box.append(node("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": part.title }, svg));
  const notes = [...found.notes, `${show(start, "number", true)} in all`];
  if (narrow) notes.push("drag sideways for the later steps");
  return { notes, head: ["Position", "From", "To", words(part.value)], rows: flows.sort((a, b) => a.position - b.position || b.count - a.count).map((f) => [f.position, label(f.from), label(f.to), show(f.count, "number", true)]) };
}

// ---- anything else: Vega-Lite as it is -----------------------------------------------------

function custom(part, box) {
  const found = counted(part);
  if (!found.rows.length) return { empty: true, ...found };
  const dates = found.table.names.filter((_, number) => found.table.columns[number].kind === "date");
  const values = found.rows.map((row) => ({ ...row, ...Object.fromEntries(dates.map((name) => [name, row[name] === null ? null : row[name] * DAY])) }));
  drawVega(box, { ...part.spec, data: { values } }, part.height || 260);
  return { notes: found.notes, head: found.table.names.map(words), rows: found.rows.slice(0, 200).map((row) => found.table.names.map((name) => (dates.includes(name) ? shortDate(row[name]) : row[name] ?? "–"))) };
}

const DRAW = { trend, curve, bars, table, funnel, heatmap, sankey, vega: custom };
