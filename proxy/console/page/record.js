"use strict";
// One record: what it says, what a person may do about it, and its whole story.

async function showRecord(root, place) {
  const record = await ask("GET", "/api/records/" + encodeURIComponent(place.key) + query({ body: "true" }));
  const acts = await ask("GET", "/api/audit" + query({ record: record.number }));
  put(root, heading("record.number", { number: record.number }),
    el("p", { class: record.state === "held" ? "warn box" : "box" }, stateOf(record.state), record.reason ? el("span", {}, ": ", reasonOf(record.reason)) : null),
    record.state === "held" ? el("p", {}, el("b", {}, say(beginning("do", record.reason || "")))) : null,
    facts(record),
    ...(ACTED.includes(record.state) ? decisions(record) : [said(record.body)]),
    story(record, acts));
}

const ACTED = ["held", "pending", "unknown"]; // states in which a person's decision may be taken

function facts(record) {
  const lines = [
    ["record.recorded", when(record.recorded_at) + (record.clock_doubt ? " ?" : "")],
    ["record.route", data(record.route)],
    ["record.attempts", String(record.attempts)],
    ["record.deadline", record.deadline_at && when(record.deadline_at)],
    ["record.settled", record.settled_at && when(record.settled_at)],
    ["record.behind", record.waiting_behind.length ? record.waiting_behind.join(", ") : null],
    ["record.exported", record.exported_at && when(record.exported_at)],
  ];
  return el("dl", {}, ...[].concat(...lines.filter(line => line[1]).map(([key, value]) => [el("dt", {}, say(key)), el("dd", {}, value)])));
}

function said(body) {
  return el("section", {}, el("h3", {}, say("record.says")), body ? el("pre", {}, data(pretty(body))) : el("p", {}, say("record.purged")));
}

function pretty(body) {
  try {
    return JSON.stringify(JSON.parse(body), null, 1);
  } catch (error) {
    return body;
  }
}

// Decisions ------------------------------------------------------------------------------------------------------------------

// Which act the reason asks for stands open; the others are a touch away.
const FIRST = { refused: "edit", poison: "edit", "provisional-id": "edit", unknown: "retry", unavailable: "retry", impostor: "retry", interrupted: "retry",
  restored: "retry", "told-paper": "retry", swept: "retry", damaged: "settle", already_recorded: "settle", "looked up": "settle",
  "cannot be looked up": "settle", "delivered before its edit": "settle", "same-fact-as": "discard" };

function decisions(record) {
  const key = Object.keys(FIRST).find(words => (record.reason || "").startsWith(words));
  const first = record.state === "held" ? FIRST[key] : null;
  const act = (name, content) => el("details", { open: name === first }, el("summary", {}, say("act." + name)), ...content);
  return [act("edit", editing(record)), act("retry", retrying(record)), act("settle", settling(record)), act("discard", discarding(record))];
}

// What every decision has: who and why, and (where a send may have got through) whether they looked.
function deciding(record, wanted) {
  const by = actor();
  const why = field("act.reason", { name: "reason", required: wanted, maxlength: 500 });
  const word = tick("act.word");
  return {
    parts: [by, why].concat(record.maybe_applied || !/^(refused|provisional-id)/.test(record.reason || "") ? [word] : []),
    given: () => ({ by: by.input.value.trim(), reason: why.input.value, word: word.input.checked }),
  };
}

// What is decided is what was seen: if somebody else was there first, they are shown what it is now.
async function decide(record, path, asked) {
  const now = await ask("GET", "/api/records/" + record.number);
  if (now.revision !== record.revision || now.state !== record.state) follow({ number: record.number, state: now.state, done: false, obstacle: "moved-on" });
  else {
    const found = await ask("POST", path, asked);
    follow(found.results ? found.results[0] : found);
  }
  await moved();
}

function retrying(record) {
  const who = deciding(record, false);
  const asked = () => Object.assign({ keys: [String(record.number)] }, who.given());
  return [el("p", { class: "small" }, say("retry.what")), form(who.parts, "act.retry", () => decide(record, "/api/retry", asked()))];
}

function settling(record) {
  const who = deciding(record, false);
  const reference = field("settle.reference", { name: "reference", required: true, maxlength: 200 });
  const asked = () => Object.assign({ reference: reference.input.value.trim() }, who.given());
  return [el("p", { class: "small" }, say("settle.what")), form([reference].concat(who.parts), "act.settle", () => decide(record, "/api/records/" + record.number + "/settle", asked()))];
}

function discarding(record) {
  const who = deciding(record, true);
  const asked = () => Object.assign({ keys: [String(record.number)] }, who.given());
  return [el("p", { class: "small" }, say("discard.what")), form(who.parts, "act.discard", async told => {
    sure(told, [el("p", {}, say("discard.sure", { number: record.number }))], "act.discard", () => decide(record, "/api/discard", asked()));
  }, "grave")];
}

// Correcting -----------------------------------------------------------------------------------------------------------------

function editing(record) {
  const fields = leaves(record.body);
  if (!fields.length) return [said(record.body)];
  const who = deciding(record, false);
  const inputs = fields.map(entry);
  const made = form([el("div", { class: "fields" }, ...inputs.map(input => input.label))].concat(who.parts), "edit.check", async told => {
    const set = inputs.map(input => input.change()).filter(change => change !== null);
    if (!set.length) {
      put(told, el("p", { class: "bad" }, say("edit.nothing")));
      return;
    }
    const path = "/api/records/" + record.number + "/edit";
    const asked = Object.assign({ set: set }, who.given());
    const plan = await ask("POST", path, Object.assign({ dry_run: true }, asked));
    const shown = plan.changes.map(change => el("p", {}, data(change.path), ": ", data(JSON.stringify(change.old)), " → ", el("b", {}, data(JSON.stringify(change.new)))));
    sure(told, [el("p", {}, say("edit.sure"))].concat(shown), "edit.send", () => decide(record, path, asked));
  });
  return [el("p", { class: "small" }, say("edit.what")), made];
}

// The places of a body that a path can name, each with its value: [["dose", 1], …]
function leaves(body) {
  const found = [];
  const walk = (value, path) => {
    const names = value !== null && typeof value === "object" ? Object.keys(value) : null;
    if (names === null) found.push([path, value]);
    else names.filter(name => name && !/[.=:]/.test(name)).forEach(name => walk(value[name], path.concat(name)));
  };
  try {
    const whole = JSON.parse(body);
    if (whole !== null && typeof whole === "object") walk(whole, []);
  } catch (error) {
    return [];
  }
  return found.map(([path, value]) => [path.join("."), value]);
}

// One field; its kind stays: a number is sent as a number. One that JavaScript cannot hold exactly is only shown.
function entry([path, value]) {
  const shown = value === null ? "" : String(value);
  const exact = typeof value !== "number" || !Number.isInteger(value) || Number.isSafeInteger(value);
  const input = typeof value === "boolean"
    ? el("select", { name: path }, ...["true", "false"].map(word => el("option", { value: word, selected: word === shown }, word)))
    : el("input", { type: "text", name: path, autocomplete: "off", dir: "auto", inputmode: typeof value === "number" ? "decimal" : null, disabled: !exact });
  if (typeof value !== "boolean") input.value = shown;
  const before = input.value; // as the field holds it: line breaks are not changes
  input.addEventListener("input", () => input.classList.toggle("changed", input.value !== before));
  return {
    label: el("label", {}, data(path), input),
    change: () => (input.value === before ? null : value === null ? path + ":=" + JSON.stringify(input.value) : path + "=" + input.value),
  };
}

// Story ----------------------------------------------------------------------------------------------------------------------

function story(record, acts) {
  const revisions = record.revisions.map(before => el("details", {},
    el("summary", {}, say("story.before", { revision: before.revision, at: when(before.replaced_at) })),
    el("p", {}, data(before.replaced_by), before.reason ? ": " : "", before.reason ? data(before.reason) : ""),
    el("pre", {}, data(pretty(before.body)))));
  if (!acts.length && !revisions.length) return el("p", { class: "small" }, say("story.none"));
  return el("section", {}, el("h3", {}, say("story.title")), el("div", { class: "rows" }, ...acts.map(acted)), ...revisions);
}

function acted(entry) {
  return el("div", { class: "row" }, el("b", {}, when(entry.at)), data(entry.by), " · ", sayOf("did", entry.action),
    entry.record ? " · " : "", entry.record ? el("a", { href: "#record/" + entry.record }, say("record.number", { number: entry.record })) : "",
    entry.reason ? el("span", {}, " · ", data(entry.reason)) : null);
}
