"use strict";
// What every view stands on: words, elements, times, and the one way to ask the sidecar.
// Plain scripts for Chromium 61 and newer: no modules, no build, nothing that came after ES2017.

const app = {
  words: {}, // the texts of /console/texts in the language that is shown
  language: "en",
  now: null, // the last answer of /console/now
  zone: "Asia/Kolkata", // the centre's: times are told as they are read there
  token: "",
};

const ASK_S = 30; // a command waits as long for the same answers

// Storage may be switched off; the page then only forgets.
function kept(storage, name, value) {
  try {
    const place = window[storage];
    if (value === "") place.removeItem("dosekeeper." + name);
    else if (value !== undefined) place.setItem("dosekeeper." + name, value);
    return place.getItem("dosekeeper." + name) || "";
  } catch (error) {
    return "";
  }
}

// Words ----------------------------------------------------------------------------------------------------------------------

function say(key, values) {
  const words = app.words[key] || key;
  return words.replace(/\{(\w+)\}/g, (whole, name) => (values && name in values ? values[name] : whole));
}

// A word for what the sidecar calls `name`; what we have no word for is shown as it came.
function sayOf(family, name) {
  const key = family + "." + name;
  return key in app.words ? say(key) : el("bdi", {}, String(name));
}

// The words for the longest beginning of a reason: "refused http_400 APPOIN0006" is "refused".
function beginning(family, reason) {
  const fits = Object.keys(app.words).filter(key => key.startsWith(family + ".") && reason.startsWith(key.slice(family.length + 1)));
  return fits.sort((one, other) => other.length - one.length)[0] || family + ".";
}

// Elements -------------------------------------------------------------------------------------------------------------------

// Children that are texts become text nodes: nothing that a record says is ever read as HTML.
function el(tag, attributes, ...children) {
  const made = tag === "svg" || SVG[tag] ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  Object.keys(attributes || {}).forEach(name => {
    const value = attributes[name];
    if (typeof value === "function") made.addEventListener(name, value);
    else if (value !== null && value !== undefined && value !== false) made.setAttribute(name, value === true ? "" : value);
  });
  made.append(...children.filter(child => child !== null && child !== undefined));
  return made;
}

const SVG = { rect: true, text: true, title: true, path: true };

function put(node, ...children) {
  node.textContent = "";
  node.append(...children.filter(child => child !== null && child !== undefined));
}

function byId(id) {
  return document.getElementById(id);
}

// What comes from data: apart from our own words in direction, so that marks in it turn nothing around.
function data(text) {
  return el("bdi", {}, text === null || text === undefined || text === "" ? "–" : String(text));
}

function heading(key, values) {
  return el("h2", { tabindex: "-1" }, say(key, values));
}

function button(key, act, kind) {
  return el("button", { type: "button", class: kind, click: act }, say(key));
}

// Times ----------------------------------------------------------------------------------------------------------------------

function written(at, parts) {
  // No short names of months in Hindi: nobody writes them. Latin digits, as on the slips.
  const hindi = app.language === "hi";
  const options = Object.assign({ timeZone: app.zone, hourCycle: "h23" }, parts);
  if (hindi && options.month) options.month = "long";
  return new Intl.DateTimeFormat(hindi ? "hi-IN-u-nu-latn" : "en-GB", options).format(new Date(at));
}

function clock(at) {
  return written(at, { hour: "2-digit", minute: "2-digit" });
}

function day(at) {
  return written(at, { weekday: "short", day: "numeric", month: "short" });
}

function when(at) {
  if (!at) return "–";
  const today = day(at) === day(app.now ? app.now.at : Date.now());
  return today ? clock(at) : written(at, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
}

function span(seconds) {
  const s = Math.max(0, Math.round(seconds));
  if (s < 60) return say("length.s", { seconds: s });
  const [name, first, second] = s < 3600 ? ["min", 60, 1] : s < 86400 ? ["h", 3600, 60] : ["d", 86400, 3600];
  return say("length." + name, { first: Math.floor(s / first), second: Math.floor((s % first) / second) });
}

// A date or a time of a form, as the centre reads it ("2026-11-24T17:30") → RFC 3339.
function moment(text) {
  const guess = Date.parse((text.length > 10 ? text : text + "T00:00") + "Z");
  const parts = {};
  const options = { timeZone: app.zone, year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
  new Intl.DateTimeFormat("en-GB", options).formatToParts(new Date(guess)).forEach(part => { parts[part.type] = Number(part.value); });
  const shown = Date.UTC(parts.year, parts.month - 1, parts.day, parts.hour % 24, parts.minute);
  return new Date(2 * guess - shown).toISOString();
}

// Asking ---------------------------------------------------------------------------------------------------------------------

// Why an answer is none: `kind` is the problem's type, or `lost` where nobody answered.
class Trouble extends Error {
  constructor(kind, detail) {
    super(detail || kind);
    this.kind = kind;
    this.detail = detail || "";
  }
}

function late(seconds) {
  return new Promise((_, refuse) => setTimeout(() => refuse(new Trouble("lost")), seconds * 1000));
}

async function answer(method, path, body, patience) {
  const fields = {};
  if (app.token) fields.Authorization = "Bearer " + app.token;
  if (body) fields["Content-Type"] = "application/json";
  const options = { method: method, headers: fields, credentials: "omit", cache: "no-store", body: body && JSON.stringify(body) };
  let came;
  try {
    came = await Promise.race([fetch(path, options), late(patience || ASK_S)]);
  } catch (error) {
    throw new Trouble("lost");
  }
  if (came.ok) return came;
  const problem = await came.json().catch(() => ({}));
  throw new Trouble((problem.type || "").split(":").pop() || "other", problem.detail);
}

async function ask(method, path, body, patience) {
  const came = await answer(method, path, body, patience);
  try {
    return await came.json();
  } catch (error) {
    throw new Trouble("lost"); // it broke off
  }
}

function query(values) {
  const asked = new URLSearchParams();
  Object.keys(values).forEach(name => { if (values[name]) asked.append(name, values[name]); });
  return "?" + asked;
}
