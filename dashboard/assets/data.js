"use strict";
// From the embedded columns to numbers: filters, windows, sums. A rate over several rows is the sum
// of its numerators over the sum of its denominators, of mature rows only; never a mean of rates.

const PAGE = JSON.parse(document.getElementById("content").textContent);
const AS_OF = dayOf(PAGE.facts.as_of_date);
const FIRST = dayOf(PAGE.facts.first_date);
const UNIT_DAYS = { day: 1, week: 7, month: 30.4 };
const PERIODS = {
  "28": { label: "Last 28 days", day: 28, week: 4, month: 1 },
  "90": { label: "Last 90 days", day: 90, week: 13, month: 3 },
  "365": { label: "Last 12 months", day: 365, week: 52, month: 12 },
  all: { label: "All time" },
};
const GRAINS = { auto: "Automatic", day: "Days", week: "Weeks", month: "Months" };

// ---- rows ----------------------------------------------------------------------------------

const TABLES = {};
for (const [name, table] of Object.entries(PAGE.data)) {
  const rows = Array.from({ length: table.rows }, () => ({}));
  table.names.forEach((column, number) => {
    const { kind, values, dictionary } = table.columns[number];
    values.forEach((value, row) => {
      rows[row][column] =
        value === null ? null : kind === "text" ? dictionary[value] : kind === "boolean" ? value === 1 : value;
    });
  });
  TABLES[name] = { ...table, ...PAGE.board.queries[name], rows, count: table.rows };
}

// ---- filters -------------------------------------------------------------------------------

// {period, grain, segment: "type|value", by column: value}; also the address' hash, so that a
// view can be sent to somebody and goes along from board to board
const STATE = { period: "90", grain: "auto", segment: "all|all", columns: {} };

function columnFilters() {
  return (PAGE.board.filters || []).filter((filter) => typeof filter === "object");
}

function hasFilter(name) {
  return (PAGE.board.filters || []).includes(name);
}

function choices(column) {
  const found = new Map();
  for (const table of Object.values(TABLES))
    if (table.names.includes(column))
      for (const row of table.rows) if (row[column] !== null) found.set(row[column], true);
  return [...found.keys()].sort((a, b) => (a < b ? -1 : 1));
}

function segments() {
  const found = new Map([["all|all", { type: "all", value: "all" }]]);
  for (const table of Object.values(TABLES))
    if (table.names.includes("segment_type"))
      for (const row of table.rows)
        if (row.segment_type !== null)
          found.set(`${row.segment_type}|${row.segment_value}`, { type: row.segment_type, value: row.segment_value });
  return [...found.values()];
}

function readAddress() {
  const given = new URLSearchParams(location.hash.slice(1));
  if (PERIODS[given.get("period")]) STATE.period = given.get("period");
  else STATE.period = PAGE.board.period || "90";
  if (GRAINS[given.get("grain")]) STATE.grain = given.get("grain");
  const known = new Set(segments().map((s) => `${s.type}|${s.value}`));
  STATE.wanted = given.get("segment") || "all|all";
  STATE.segment = known.has(STATE.wanted) ? STATE.wanted : "all|all";
  for (const filter of columnFilters()) {
    const values = choices(filter.column);
    const wanted = given.get(filter.column);
    STATE.columns[filter.column] = values.includes(wanted) || (wanted === "*" && filter.all)
      ? wanted
      : values.includes(filter.default) ? filter.default : filter.all ? "*" : values[0];
  }
}

function address() {
  const given = new URLSearchParams(location.hash.slice(1));
  given.set("period", STATE.period);
  given.set("grain", STATE.grain);
  given.set("segment", STATE.segment);
  for (const [column, value] of Object.entries(STATE.columns)) if (value !== undefined) given.set(column, value);
  return "#" + given.toString();
}

// the rows of a part after all filters but the period; `notes` says what a filter could not do
function rowsOf(part) {
  const table = TABLES[part.query];
  const where = part.where || {};
  const notes = [];
  let rows = table.rows;
  for (const [column, value] of Object.entries(where)) {
    const allowed = Array.isArray(value) ? value : [value];
    rows = rows.filter((row) => allowed.includes(row[column]));
  }
  if (table.names.includes("segment_type") && !("segment_type" in where)) {
    const [type, value] = STATE.segment.split("|");
    const cut = type !== "all" && !rows.some((row) => row.segment_type === type);
    if (cut) notes.push(`Everybody: has no cut by ${words(type).toLowerCase()}`);
    rows = rows.filter((row) =>
      cut ? row.segment_type === "all" : row.segment_type === type && row.segment_value === value);
  } else if (hasFilter("segment") && STATE.segment !== "all|all" && !part.fixed) {
    notes.push("segment_type" in where && where.segment_type !== "all" ? "All segments" : "Everybody: not cut by segment");
  }
  for (const filter of columnFilters()) {
    if (part.fixed || (part.ignore || []).includes(filter.column)) continue;
    const value = STATE.columns[filter.column];
    if (table.names.includes(filter.column) && value !== "*" && !(filter.column in where))
      rows = rows.filter((row) => row[filter.column] === value);
  }
  return { rows, notes, table: withUnit(table, rows) };
}

// a query may hold weeks for one choice of a filter and months for another
function withUnit(table, rows) {
  if (table.unit !== "week" || !rows.length) return table;
  const months = rows.every((row) => row[table.time] === null || floor(row[table.time], "month") === row[table.time]);
  return months && new Set(rows.map((row) => row[table.time])).size > 1 ? { ...table, unit: "month" } : table;
}

// ---- time ----------------------------------------------------------------------------------

function floor(day, unit) {
  const date = new Date(day * DAY);
  if (unit === "week") return day - ((date.getUTCDay() + 6) % 7);
  if (unit === "month") return Math.round(Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1) / DAY);
  return day;
}

function step(day, unit, count) {
  if (unit !== "month") return day + count * UNIT_DAYS[unit];
  const date = new Date(day * DAY);
  return Math.round(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + count, 1) / DAY);
}

// is the row's own period over, and does its maturity column say so too?
function isMature(row, table, mature) {
  if (mature && row[mature] !== true) return false;
  return !table.time || AS_OF === null || step(row[table.time], table.unit, 1) <= AS_OF;
}

// the first day that is not mature: what lies before it is counted in headlines and tables
function frontier(rows, table, mature) {
  let first = null, last = null;
  for (const row of rows) {
    const day = row[table.time];
    if (day === null) continue;
    const end = step(day, table.unit, 1);
    if (last === null || end > last) last = end;
    if (!isMature(row, table, mature) && (first === null || day < first)) first = day;
  }
  if (first !== null) return first;
  // a table that has rows only where something happened ends today all the same
  return last === null || AS_OF === null ? last : Math.max(last, floor(AS_OF, table.unit));
}

// [first, end) of the last whole period that ends at the frontier, and of the one before it
function windowOf(rows, table, mature, period = STATE.period) {
  if (!table.time || !rows.length) return null;
  const end = frontier(rows, table, mature);
  let start = Infinity;
  for (const row of rows) if (row[table.time] !== null && row[table.time] < start) start = row[table.time];
  if (FIRST !== null) start = Math.min(start, floor(FIRST, table.unit));
  if (end === null || end <= start) return { end, first: null, start };
  const count = PERIODS[period][table.unit];
  if (!count) return { first: start, end, start, before: null };
  const first = Math.max(step(end, table.unit, -count), start);
  const before = step(first, table.unit, -count);
  return { first, end, start, before: before >= start ? before : null };
}

function within(rows, table, first, end) {
  return rows.filter((row) => row[table.time] >= first && row[table.time] < end);
}

function grainOf(table, spanDays) {
  const order = ["day", "week", "month"];
  const finest = order.indexOf(table.unit);
  const wanted = STATE.grain === "auto" ? (spanDays <= 35 ? 0 : spanDays <= 400 ? 1 : 2) : order.indexOf(STATE.grain);
  // weeks do not fit into months: rows by week stay weeks
  return table.unit === "week" ? "week" : order[Math.max(finest, wanted)];
}

// ---- measures ------------------------------------------------------------------------------

function total(rows, column) {
  let sum = null;
  for (const row of rows) if (row[column] !== null && row[column] !== undefined) sum = (sum || 0) + row[column];
  return sum;
}

// value and, for a ratio, what it is made of
function measure(rows, spec, table) {
  if (spec.ratio) {
    const numerator = total(rows, spec.ratio[0]);
    const denominator = total(rows, spec.ratio[1]);
    const scale = spec.scale || 1;
    return { value: denominator && numerator !== null ? numerator * scale / denominator : null, numerator, denominator };
  }
  if (spec.sum) return { value: total(rows, spec.sum) };
  if (spec.mean) {
    const days = new Set(rows.map((row) => row[table.time])).size;
    const sum = total(rows, spec.mean);
    return { value: sum === null ? null : sum / days };
  }
  if (spec.last) {
    let last = null;
    for (const row of rows) if (row[spec.last] !== null && (last === null || row[table.time] > last)) last = row[table.time];
    return { value: total(rows.filter((row) => row[table.time] === last), spec.last) };
  }
  if (spec.max) {
    const values = rows.map((row) => row[spec.max]).filter((value) => value !== null);
    return { value: values.length ? values.reduce((a, b) => (a > b ? a : b)) : null };
  }
  if (spec.text) {
    const row = rows.find((row) => row[spec.text] !== null);
    return { value: row ? row[spec.text] : null };
  }
  return { value: null };
}

// Wilson's 95 % bounds, as in the tables
function wilson(numerator, denominator) {
  if (!denominator) return null;
  const z = 1.959963984540054, n = denominator, p = Math.min(numerator / n, 1);
  const middle = (p + (z * z) / (2 * n)) / (1 + (z * z) / n);
  const half = (z / (1 + (z * z) / n)) * Math.sqrt((p * (1 - p)) / n + (z * z) / (4 * n * n));
  return [Math.max(0, middle - half), Math.min(1, middle + half)];
}

function grouped(rows, key) {
  const groups = new Map();
  for (const row of rows) {
    const name = typeof key === "function" ? key(row) : row[key];
    if (!groups.has(name)) groups.set(name, []);
    groups.get(name).push(row);
  }
  return groups;
}

// rows counted in a chart without a time axis: the chosen window of mature rows, and its words
function counted(part) {
  const { rows, notes, table } = rowsOf(part);
  if (!table.time) {
    const all = table.time_note || "All time";
    return { table, rows, notes: hasFilter("period") ? [all, ...notes] : notes, open: 0 };
  }
  const window = windowOf(rows, table, part.mature);
  if (!window) return { table, rows: [], notes, open: 0 };
  const open = new Set(
    rows.filter((row) => !isMature(row, table, part.mature)).map((row) => row[table.time])).size;
  if (window.first === null)
    return { table, rows: [], notes, open, immature: rows.length > 0, from: window.start };
  const inside = within(rows, table, window.first, window.end);
  const text = [span(window.first, window.end - 1)];
  if (open) text.push(`${open} later ${table.unit}${open > 1 ? "s" : ""} not yet mature`);
  return { table, rows: inside, notes: [...text, ...notes], open, window };
}
