"use strict";
// The page around the views: the state that stands on each of them, tabs, language, token, and asking again.

const EVERY_S = 2;
const PATIENCE_S = 8; // after so long without an answer the sidecar counts as gone
const STALE_S = 15;
const SYMBOLS = { up: "✓", down: "✕", slow: "!", held: "‖", unkept: "!", paper: "✕", lost: "?" };
const LANGUAGES = { en: "English", hi: "हिन्दी" };
const VIEWS = { now: showNow, held: showHeld, group: showGroup, record: showRecord, records: showRecords, outages: showOutages, send: showSend, audit: showAudit };
const UNDER = { group: "held", record: "records" }; // the tab of a view that is none

const shown = { turn: 0, refresh: null };
let heardAt = Date.now(); // when the sidecar answered last, by this device's clock
let lost = ""; // why nothing is known now: the kind of a Trouble

// What is drawn once ---------------------------------------------------------------------------------------------------------

async function speak(language) {
  app.words = await ask("GET", "/console/texts" + query({ lang: language }), null, PATIENCE_S);
  app.language = language;
  document.documentElement.lang = language;
  document.querySelectorAll("[data-say]").forEach(each => { each.textContent = say(each.getAttribute("data-say")); });
  const other = language === "en" ? "hi" : "en";
  put(byId("language"), el("span", { lang: other }, LANGUAGES[other]));
}

function firstLanguage() {
  const wanted = kept("localStorage", "language") || (navigator.language || "").slice(0, 2);
  return wanted in LANGUAGES ? wanted : "en";
}

// The state ------------------------------------------------------------------------------------------------------------------

function banner(state, since) {
  byId("banner").className = state;
  byId("banner").hidden = false;
  byId("symbol").textContent = SYMBOLS[state];
  // Set only when it is another: a live region is read out each time that it is set.
  const words = say("banner." + state);
  if (byId("state").textContent !== words) byId("state").textContent = words;
  byId("since").textContent = since;
  document.title = words + " · dosekeeper";
}

function since() {
  const now = app.now;
  if (!now.since) return "";
  const seconds = (Date.parse(now.at) - Date.parse(now.since)) / 1000 + (Date.now() - heardAt) / 1000;
  return say("banner.since", { at: when(now.since), length: span(seconds) });
}

function showState() {
  // Behind another tab nothing is asked: what is old when it comes back is not shown as if it were so.
  const gone = lost || (app.now && Date.now() - heardAt > STALE_S * 1000 ? "lost" : "");
  byId("gone").hidden = gone !== "lost";
  byId("view").hidden = byId("tabs").hidden = gone !== "" || !app.now || !byId("token").hidden;
  if (!byId("token").hidden || document.hidden) return;
  if (gone === "lost") banner("lost", say("banner.lost-since", { at: when(app.now ? app.now.at : heardAt) }));
  else if (gone) banner("unkept", "trouble." + gone in app.words ? say("trouble." + gone) : say("trouble.other"));
  else if (app.now) banner(app.now.can_record ? app.now.state : app.now.state === "down" ? "paper" : "unkept", since());
}

// Asking again ---------------------------------------------------------------------------------------------------------------

let polling = null;

// One at a time: an answer that is late is not asked for a second time meanwhile.
function poll() {
  if (!polling) {
    const over = () => { polling = null; };
    polling = polled();
    polling.then(over, over);
  }
  return polling;
}

async function polled() {
  if (document.hidden || !byId("token").hidden) return;
  try {
    const now = await ask("GET", "/console/now" + query({ lang: app.language }), null, PATIENCE_S);
    const first = app.now === null || lost !== "";
    app.now = now;
    app.zone = now.centre.timezone;
    heardAt = Date.now();
    lost = "";
    byId("centre-name").textContent = now.centre.name || now.centre.id;
    byId("held-count").textContent = now.status.records.held || "";
    byId("forget").hidden = !app.token;
    showState();
    if (first) await again();
    else if (shown.refresh) await shown.refresh();
  } catch (error) {
    if (error.kind === "token-missing") askToken(app.token !== "");
    else lost = error.kind || "other";
    showState();
    if (!(error instanceof Trouble)) throw error;
  }
}

// Views ----------------------------------------------------------------------------------------------------------------------

function placed() {
  const [path, asked] = location.hash.slice(1).split("?");
  const [name, key] = path.split("/");
  return { name: name in VIEWS ? name : "now", key: key, query: new URLSearchParams(asked || "") };
}

async function show() {
  const place = placed();
  const turn = ++shown.turn;
  const root = el("section", { "data-view": location.hash, input: () => { app.touched = true; } });
  shown.refresh = null;
  app.touched = false;
  document.querySelectorAll("#tabs a").forEach(tab => {
    if (tab.getAttribute("href") === "#" + (UNDER[place.name] || place.name)) tab.setAttribute("aria-current", "page");
    else tab.removeAttribute("aria-current");
  });
  let refresh = null;
  try {
    refresh = await VIEWS[place.name](root, place);
  } catch (error) {
    put(root, heading("tab." + (UNDER[place.name] || place.name)), trouble(error));
  }
  if (turn !== shown.turn) return; // somebody went on meanwhile
  shown.refresh = refresh || null;
  put(byId("view"), root);
}

// The same view anew, unless somebody is writing in it.
async function again() {
  if (app.now && !app.touched) await show();
}

async function moved() {
  if (!app.now) return;
  await show();
  const head = byId("view").querySelector("h2");
  if (head) head.focus();
  window.scrollTo(0, 0);
}

// The token ------------------------------------------------------------------------------------------------------------------

function askToken(wrong) {
  byId("token").hidden = false;
  byId("view").hidden = byId("tabs").hidden = true;
  byId("banner").hidden = true;
  byId("token-wrong").textContent = wrong ? say("token.wrong") : "";
  app.token = kept("sessionStorage", "token", "");
  byId("token-field").value = "";
  byId("token-field").focus();
}

function giveToken(event) {
  event.preventDefault();
  const given = byId("token-field").value;
  if (/[^\x20-\x7e]/.test(given)) return askToken(true); // no header field can carry it
  app.token = kept("sessionStorage", "token", given) || given;
  byId("token").hidden = true;
  return poll();
}

function forget() {
  app.now = null;
  shown.refresh = null;
  put(byId("view"));
  put(byId("followed"));
  byId("forget").hidden = true;
  askToken(false);
}

// ----------------------------------------------------------------------------------------------------------------------------

async function begin() {
  app.token = kept("sessionStorage", "token");
  byId("token").addEventListener("submit", giveToken);
  byId("forget").addEventListener("click", forget);
  byId("language").addEventListener("click", async () => {
    await speak(app.language === "en" ? "hi" : "en").catch(() => null);
    kept("localStorage", "language", app.language);
    await polling; // one in the other language may be under way
    await poll();
    showState();
    await again();
  });
  window.addEventListener("hashchange", moved);
  document.addEventListener("visibilitychange", () => { showState(); poll(); });
  try {
    await speak(firstLanguage());
  } catch (error) {
    setTimeout(() => location.reload(), EVERY_S * 1000); // it has just gone: without words nothing can be told
    return;
  }
  setInterval(poll, EVERY_S * 1000);
  setInterval(showState, 1000);
  await poll();
}

begin();
