"use strict";
// Numbers, dates and words for people.

const DAY = 86400000;
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

function escapeText(text) {
  return String(text).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
}

// first_touch_channel_group → First touch channel group
function words(name) {
  const text = String(name).replace(/_/g, " ").trim();
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function compact(value) {
  const size = Math.abs(value);
  if (size >= 999950) return trimmed(value / 1e6) + "M";
  if (size >= 1000) return trimmed(value / 1000) + "k";
  if (Number.isInteger(value)) return String(value);
  return size >= 100 ? value.toFixed(0) : size >= 1 ? trimmed(value) : String(+value.toPrecision(2));
}

function trimmed(value) {
  return Math.abs(value) >= 100 ? value.toFixed(0) : value.toFixed(1).replace(/\.0$/, "");
}

function duration(seconds) {
  const size = Math.abs(seconds);
  if (size < 60) return `${Math.round(seconds)} s`;
  if (size < 3600) return `${trimmed(seconds / 60)} min`;
  if (size < 86400) return `${trimmed(seconds / 3600)} h`;
  return `${trimmed(seconds / 86400)} days`;
}

function currencySign() {
  const sign = { EUR: "€", USD: "$", GBP: "£", JPY: "¥" }[PAGE.facts.currency];
  return sign || PAGE.facts.currency + "\u00a0";
}

// kind: number, percent, money, duration, times, score, text, yes_no
function show(value, kind, exact = false) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  switch (kind) {
    case "percent": {
      if (value === 0) return "0\u00a0%";
      const percent = value * 100;
      return `${Math.abs(percent) >= 99.95 ? percent.toFixed(0) : percent.toFixed(1)}\u00a0%`;
    }
    case "money": {
      const sign = value < 0 ? "−" : "";
      const size = Math.abs(value);
      if (exact || size < 1000)
        return sign + currencySign() + size.toLocaleString("en-GB", {
          minimumFractionDigits: (size < 100 || exact) && !Number.isInteger(size) ? 2 : 0,
          maximumFractionDigits: size < 100 || exact ? 2 : 0,
        });
      return sign + currencySign() + compact(size);
    }
    case "duration": return duration(value);
    case "times": return `${value.toFixed(2)}\u00a0×`;
    case "score": return `${value > 0 ? "+" : value < 0 ? "−" : ""}${Math.abs(value).toFixed(0)}`;
    case "text": return String(value);
    case "yes_no": return value ? "yes" : "no";
    case "date": return shortDate(value);
  }
  return exact ? value.toLocaleString("en-GB", { maximumFractionDigits: 2 }) : compact(value);
}

// the same beside an axis: round
function onAxis(value, kind) {
  if (kind === "percent") return `${+(value * 100).toFixed(1)}\u00a0%`;
  return show(value, kind);
}

// days since 1970 → 5 Jan 2026
function shortDate(day, withYear = true) {
  if (day === null || day === undefined) return "–";
  const date = new Date(day * DAY);
  const text = `${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]}`;
  return withYear ? `${text} ${date.getUTCFullYear()}` : text;
}

function dayOf(isoDate) {
  return isoDate ? Math.round(Date.parse(isoDate.slice(0, 10) + "T00:00:00Z") / DAY) : null;
}

// 3 Nov – 30 Nov 2025
function span(first, last) {
  if (first === last) return shortDate(first);
  const sameYear = new Date(first * DAY).getUTCFullYear() === new Date(last * DAY).getUTCFullYear();
  return `${shortDate(first, !sameYear)} – ${shortDate(last)}`;
}

function bucketName(day, unit) {
  const date = new Date(day * DAY);
  if (unit === "month") return `${MONTHS[date.getUTCMonth()]} ${date.getUTCFullYear()}`;
  if (unit === "week") return `Week of ${shortDate(day)}`;
  return shortDate(day);
}

// what has become of a number since the window before
function change(now, before, kind) {
  if (now === null || before === null || before === undefined) return null;
  const difference = now - before;
  if (kind === "percent") {
    const points = difference * 100;
    return { sign: Math.abs(points) < 0.05 ? 0 : Math.sign(points), text: `${Math.abs(points).toFixed(1)} points` };
  }
  if (kind === "score")
    return { sign: Math.abs(difference) < 0.5 ? 0 : Math.sign(difference), text: `${Math.abs(difference).toFixed(0)} points` };
  if (before === 0) return now === 0 ? { sign: 0, text: "" } : null;
  const relative = (difference / Math.abs(before)) * 100;
  const size = Math.abs(relative);
  return { sign: size < 0.05 ? 0 : Math.sign(relative), text: `${size >= 99.95 ? size.toFixed(0) : size.toFixed(1)}\u00a0%` };
}
