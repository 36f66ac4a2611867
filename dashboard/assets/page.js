"use strict";
// The page around the charts: navigation, filters, headline tiles, cards, explanations, light and dark.

const $ = (id) => document.getElementById(id);
const BOARD = PAGE.board;

// ---- light and dark ------------------------------------------------------------------------

const THEMES = { auto: "◐ As the system", light: "☀ Light", dark: "☾ Dark" };
function theme(name) {
  if (name === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = name;
  try { localStorage.setItem("theme", name); } catch { /* a private window keeps nothing */ }
}
function themeNow() {
  const asked = new URLSearchParams(location.search).get("theme");
  if (THEMES[asked]) return asked;
  try { return THEMES[localStorage.getItem("theme")] ? localStorage.getItem("theme") : "auto"; } catch { return "auto"; }
}

// ---- around --------------------------------------------------------------------------------

function around() {
  theme(themeNow());
  const links = [...PAGE.boards, { slug: "definitions", title: "Definitions" }].map(({ slug, title }) => {
    const link = node("a", { href: `${slug}.html`, "data-board": slug, "aria-current": slug === PAGE.slug ? "page" : null }, title);
    return node("li", {}, link);
  });
  const select = node("select", { id: "theme", "aria-label": "Light or dark" }, ...Object.entries(THEMES).map(([value, text]) => node("option", { value, selected: value === themeNow() }, text)));
  select.addEventListener("change", () => theme(select.value));
  $("side").append(
    node("a", { class: "brand", href: "index.html", "data-board": "index" }, logo(), node("span", {}, "customer journey")),
    node("nav", { "aria-label": "Boards" }, node("ul", {}, ...links)), node("label", { class: "theme" }, select));
  const here = $("side").querySelector("[aria-current]"), bar = $("side").querySelector("nav");
  if (here) bar.scrollLeft = here.offsetLeft - bar.offsetLeft - 60;
  const facts = PAGE.facts;
  const told = facts.as_of_date ? [`Data as of ${shortDate(AS_OF)}`] : ["No data yet"];
  if (facts.generation) told.push(`publication ${facts.generation}`);
  $("head").append(node("h1", {}, BOARD.title), node("p", { class: "question" }, BOARD.question), node("p", { class: "asof" }, told.join(" · ")));
  $("foot").append(
    node("p", {}, node("span", { class: "key" }, node("i", { class: "hatch" }), "Hatched or dashed: not yet mature, the number can still change."),
      " Rates over several days are sums divided by sums, of mature days only. "),
    node("p", {}, facts.published_at ? `Published ${shortDate(dayOf(facts.published_at))}, ${facts.published_at.slice(11, 16)} UTC. ` : "", "This page holds its data and loads nothing."));
  keepFilters();
}

function logo() {
  const svg = svgNode("svg", { viewBox: "0 0 32 32", width: 26, height: 26, "aria-hidden": "true" });
  svg.append(svgNode("path", { d: "M4 24C10 24 9 8 16 8s6 16 12 16", fill: "none", "stroke-width": 3.6, "stroke-linecap": "round", style: "stroke:var(--accent)" }),
    svgNode("circle", { cx: 4, cy: 24, r: 3, style: "fill:var(--c3)" }), svgNode("circle", { cx: 28, cy: 24, r: 3, style: "fill:var(--c2)" }));
  return svg;
}

// filters go along to the next board
function keepFilters() {
  for (const link of document.querySelectorAll("a[data-board]")) link.href = `${link.dataset.board}.html${PAGE.data && Object.keys(PAGE.data).length ? address() : location.hash}`;
}

// ---- filters -------------------------------------------------------------------------------

function picker(id, title, options, value, choose) {
  const select = node("select", { id }, ...options.map((option) => option.options
    ? node("optgroup", { label: option.label }, ...option.options.map((each) => node("option", { value: each.value, selected: each.value === value }, each.label)))
    : node("option", { value: option.value, selected: option.value === value }, option.label)));
  select.addEventListener("change", () => { choose(select.value); history.replaceState(null, "", address()); keepFilters(); drawAll(); });
  return node("label", {}, node("span", {}, title), select);
}

function filters() {
  const bar = $("filters");
  for (const filter of BOARD.filters || []) {
    if (filter === "period")
      bar.append(picker("filter-period", "Period", Object.entries(PERIODS).map(([value, { label }]) => ({ value, label })), STATE.period, (value) => { STATE.period = value; }));
    else if (filter === "grain")
      bar.append(picker("filter-grain", "Shown by", Object.entries(GRAINS).map(([value, label]) => ({ value, label })), STATE.grain, (value) => { STATE.grain = value; }));
    else if (filter === "segment") {
      const types = [...grouped(segments().filter(({ type }) => type !== "all"), "type")].sort((a, b) => (a[0] < b[0] ? -1 : 1));
      bar.append(picker("filter-segment", "Segment", [{ value: "all|all", label: "Everybody" },
        ...types.map(([type, own]) => ({ label: words(type), options: own.map(({ value }) => ({ value: `${type}|${value}`, label: label(value) })).sort((a, b) => (a.label < b.label ? -1 : 1)) }))],
      STATE.segment, (value) => { STATE.segment = value; }));
    } else {
      const values = choices(filter.column);
      const options = [...(filter.all ? [{ value: "*", label: filter.all }] : []), ...values.map((value) => ({ value, label: (filter.labels || {})[value] || label(value) }))];
      if (options.length)
        bar.append(picker(`filter-${filter.column}`, filter.label, options, STATE.columns[filter.column], (value) => { STATE.columns[filter.column] = value; }));
    }
  }
  if (!bar.children.length) bar.remove();
}

// ---- headline tiles ------------------------------------------------------------------------

function tile(part) {
  const spec = part.measure;
  const { rows, notes, table: data } = rowsOf(part);
  const card = node("section", { class: "tile", id: part.id, "data-kind": "tile" });
  card.append(node("h2", {}, part.title, why(part)));
  const figure = node("p", { class: "figure" }), against = node("p", { class: "change" }), note = node("p", { class: "note" });
  card.append(figure, against);
  let now = null, before = null, mature = [];
  const said = [];
  if (!data.time) {
    now = measure(rows, spec, data);
    if (data.time_note) said.push(data.time_note);
  } else {
    const window = windowOf(rows, data, spec.mature);
    if (window && window.first !== null) {
      now = measure(within(rows, data, window.first, window.end), spec, data);
      if (window.before !== null && window.before !== undefined) before = measure(within(rows, data, window.before, window.first), spec, data);
      said.push(spec.last ? data.unit === "day" ? `on ${shortDate(window.end - 1)}` : `at the end of ${bucketName(step(window.end, data.unit, -1), data.unit)}` : span(window.first, window.end - 1));
      if (spec.mature && AS_OF !== null && AS_OF - window.end > 0) said.push(`later ${data.unit}s not yet mature`);
      mature = [window.end];
    } else if (window) said.push(`not yet mature: first ${data.unit} begins ${shortDate(window.start)}`);
  }
  const value = now ? now.value : null;
  card.dataset.value = value === null ? "" : String(value);
  figure.textContent = show(value, spec.format);
  if (value === null) {
    card.classList.add("nothing");
    against.textContent = data.missing ? "not published" : rows.length ? (said.length && /not yet/.test(said[0]) ? "not yet mature" : "nobody counted") : "no data yet";
  } else if (spec.ratio && spec.format === "percent") card.title = `${show(now.numerator, "number", true)} of ${show(now.denominator, "number", true)}`;
  if (part.compare === false) against.textContent = part.against || "";
  else if (value !== null && before && before.value === null) against.textContent = "nobody counted before";
  else if (value !== null && before) {
    card.dataset.before = String(before.value);
    const moved = change(value, before.value, spec.format);
    if (moved) {
      const good = moved.sign === 0 || !part.better ? "same" : (moved.sign > 0) === (part.better === "up") ? "good" : "bad";
      against.classList.add(good);
      against.append(node("b", {}, moved.sign > 0 ? `▲ ${moved.text}` : moved.sign < 0 ? `▼ ${moved.text}` : "● unchanged"), ` from ${show(before.value, spec.format)}`);
    } else against.textContent = `from ${show(before.value, spec.format)}`;
  } else if (value !== null) against.textContent = data.time ? (STATE.period === "all" ? "no period before" : "no whole period before") : part.against || "";
  if (spec.ratio && now && now.denominator && part.counted) said.unshift(`of ${show(now.denominator)} ${part.counted}`);
  if (data.time && rows.length && part.spark !== false) card.append(spark(rows, data, spec, mature[0]));
  note.textContent = [...said, ...notes].join(" · ");
  card.append(note);
  return card;
}

function spark(rows, data, spec, matureEnd) {
  const grain = grainOf(data, PERIODS[STATE.period].day ? PERIODS[STATE.period].day * 2 : 800);
  let end = Math.max(...rows.map((row) => row[data.time]));
  const count = PERIODS[STATE.period][data.unit];
  const first = count ? floor(step(end, data.unit, -Math.max(count * 2, { day: 27, week: 7, month: 11 }[data.unit])), grain) : -Infinity;
  const points = [...grouped(rows.filter((row) => row[data.time] >= first), (row) => floor(row[data.time], grain))].sort((a, b) => a[0] - b[0])
    .map(([day, own]) => ({ day, value: measure(own, spec, data).value, open: matureEnd === undefined || step(day, grain, 1) > matureEnd }));
  const width = 200, height = 40;
  const svg = svgNode("svg", { viewBox: `0 0 ${width} ${height}`, class: "spark", preserveAspectRatio: "none", role: "img" });
  const known = points.filter((point) => point.value !== null);
  if (known.length < 2) return svg;
  const top = Math.max(...known.map((p) => p.value)), low = Math.min(0, ...known.map((p) => p.value));
  const x = (day) => 2 + (width - 4) * (day - known[0].day) / (known[known.length - 1].day - known[0].day);
  const y = (value) => height - 3 - (height - 6) * (value - low) / (top - low || 1);
  const path = (list) => list.map((p, k) => `${k ? "L" : "M"}${x(p.day).toFixed(1)} ${y(p.value).toFixed(1)}`).join("");
  const solid = known.filter((p) => !p.open), tail = known.slice(Math.max(solid.length - 1, 0));
  svg.append(svgNode("title", {}, `by ${grain}, from ${shortDate(known[0].day)}`));
  if (solid.length > 1) {
    svg.append(svgNode("path", { d: `${path(solid)}L${x(solid[solid.length - 1].day)} ${height}L${x(solid[0].day)} ${height}Z`, class: "area" }), svgNode("path", { d: path(solid), class: "line" }));
  }
  if (tail.length > 1) svg.append(svgNode("path", { d: path(tail), class: "line tail" }));
  return svg;
}

// ---- cards ---------------------------------------------------------------------------------

function why(part) {
  const button = node("button", { class: "why", type: "button", "aria-label": `What ${part.title} counts`, title: "What does this count?" }, "?");
  button.addEventListener("click", () => explain(part));
  return button;
}

const RESULTS = new Map();

function emptyState(part, result) {
  const data = TABLES[part.query];
  const name = part.definition.split(".")[0];
  let title, text;
  if (data.missing) { title = "Not published yet"; text = part.empty || `The table ${data.missing} is not in this publication. It fills with the next build that makes it.`; }
  else if (!data.count) { title = "Nothing here yet"; text = part.empty || `${name} has no rows. The chart draws itself as soon as there are some.`; }
  else if (result.immature) { title = "Not yet mature"; text = `There are rows from ${shortDate(result.from)} on, but none has had its time. Nothing is counted before that.`; }
  else { title = "Nothing in this selection"; text = part.none || "There are rows, but none for these filters. A longer period or another segment shows more."; }
  return node("div", { class: "empty" }, node("i", { class: "hatch", "aria-hidden": "true" }), node("b", {}, title), node("span", {}, text));
}

function card(part) {
  const element = node("section", { class: `card ${part.width || "half"}`, id: part.id, "data-kind": part.type });
  element.append(node("h2", {}, part.title, why(part)), node("p", { class: "subtitle" }, part.subtitle));
  const box = node("div", { class: "box" });
  element.append(box);
  return element;
}

function drawCard(part) {
  const element = $(part.id), box = element.querySelector(".box");
  box.replaceChildren();
  element.querySelector(".note")?.remove();
  const result = TABLES[part.query].missing ? { empty: true } : DRAW[part.type](part, box);
  RESULTS.set(part.id, result);
  element.dataset.state = result.empty ? "empty" : "drawn";
  if (result.empty) box.replaceChildren(emptyState(part, result));
  else if (result.notes && result.notes.length) element.append(node("p", { class: "note" }, result.notes.join(" · ")));
}

function drawAll() {
  for (const view of VIEWS.splice(0)) view.finalize();
  untip();
  for (const part of BOARD.tiles || []) $(part.id).replaceWith(tile(part));
  for (const part of BOARD.charts || []) drawCard(part);
  Promise.all(WAITING.splice(0)).then(() => {
    document.documentElement.dataset.drawn = String(Number(document.documentElement.dataset.drawn || 0) + 1);
  });
}

// ---- what a chart counts -------------------------------------------------------------------

function explain(part) {
  const dialog = $("info");
  const entries = Object.entries(PAGE.definitions);
  const [own, about] = [PAGE.definitions[part.definition], PAGE.definitions[part.definition.split(".")[0]]];
  const used = JSON.stringify(part);
  const named = entries.filter(([key, entry]) => entry.role && key.startsWith(part.definition.split(".")[0] + ".") && used.includes(`"${key.split(".")[1]}"`));
  const body = node("div", { class: "explained" });
  body.append(node("p", {}, part.subtitle));
  if (own && own.description && part.definition.includes(".")) body.append(node("p", { class: "definition" }, node("b", {}, "Definition. "), own.description));
  if (about && about.description) body.append(node("p", { class: "definition" }, node("b", {}, "Table. "), about.description));
  if (named.length)
    body.append(node("dl", {}, ...named.flatMap(([key, entry]) => [node("dt", {}, node("code", {}, key.split(".")[1])), node("dd", {}, entry.description || "")])));
  if (own || about) {
    const table = part.definition.split(".")[0];
    body.append(node("p", { class: "more" }, node("a", { href: `definitions.html#${own ? part.definition : table}` }, `All about ${part.definition}`),
      table.startsWith("kpi_") ? node("small", {}, ` · docs/metrics.md#${table}`) : null));
  }
  const result = RESULTS.get(part.id);
  if (result && result.rows && result.rows.length) {
    const rows = result.rows.slice(-400);
    body.append(node("details", {}, node("summary", {}, `The numbers (${rows.length} rows)`), node("div", { class: "scroll" }, node("table", { class: "numbers" },
      node("thead", {}, node("tr", {}, ...result.head.map((text) => node("th", {}, text)))),
      node("tbody", {}, ...rows.map((row) => node("tr", {}, ...row.map((cell) => node("td", {}, String(cell))))))))));
  }
  body.append(node("details", {}, node("summary", {}, "The query"), node("pre", {}, BOARD.queries[part.query].sql.trim())));
  const close = node("button", { type: "button", class: "close", "aria-label": "Close" }, "×");
  close.addEventListener("click", () => dialog.close());
  dialog.replaceChildren(node("h2", { id: "info-title" }, part.title, close), body);
  dialog.showModal();
}
$("info").addEventListener("click", (event) => { if (event.target === $("info")) $("info").close(); });

// ---- begin ---------------------------------------------------------------------------------

readAddress();
around();
if (PAGE.slug !== "definitions") {
  filters();
  const main = $("main");
  if (BOARD.tiles) main.append(node("div", { class: `tiles by_${[5, 4, 3].find((n) => BOARD.tiles.length % n === 0) || 4}` }, ...BOARD.tiles.map((part) => node("section", { id: part.id }))));
  let grid = null, group = null;
  for (const part of BOARD.charts || []) {
    if (!grid || (part.group && part.group !== group)) {
      if (part.group) main.append(node("h2", { class: "group" }, part.group));
      grid = node("div", { class: "grid" });
      main.append(grid);
      group = part.group;
    }
    grid.append(card(part));
  }
  if (PAGE.slug === "index")
    main.append(node("h2", { class: "group" }, "Boards"), node("ul", { class: "boards" }, ...PAGE.boards.filter(({ slug }) => slug !== "index").map(({ slug, title, question }) =>
      node("li", {}, node("a", { href: `${slug}.html`, "data-board": slug }, node("b", {}, title), node("span", {}, question))))));
  keepFilters();
  drawAll();
  let width = innerWidth, waiting;
  addEventListener("resize", () => {
    if (innerWidth === width) return;
    clearTimeout(waiting);
    waiting = setTimeout(() => { width = innerWidth; drawAll(); }, 120);
  });
  addEventListener("hashchange", () => location.reload());
  addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((each) => { each.open = false; }));
} else {
  $("filters").remove();
  document.documentElement.dataset.drawn = "1";
}
