"use strict";
// Parts that several views share: who acts, asking before acting, what went wrong, what became of an act.

// The sidecar's own words are English; they stand below ours, for whoever is asked for help.
function trouble(error) {
  const kind = error instanceof Trouble ? error.kind : "other";
  const words = "trouble." + kind in app.words ? say("trouble." + kind) : say("trouble.other");
  const detail = error.detail || (error instanceof Trouble ? "" : String(error));
  return el("div", { class: "grave box", role: "alert" }, el("p", {}, words), detail ? el("p", { class: "small", lang: "en" }, el("bdi", {}, detail)) : null);
}

function field(key, attributes) {
  const input = el("input", Object.assign({ type: "text", autocomplete: "off" }, attributes));
  return { label: el("label", {}, say(key), input), input: input };
}

function choice(key, options, chosen) {
  const select = el("select", {}, ...options.map(([value, text]) => el("option", { value: value, selected: value === chosen }, text)));
  return { label: el("label", {}, say(key), select), input: select };
}

function tick(key) {
  const input = el("input", { type: "checkbox" });
  return { label: el("label", { class: "tick" }, input, el("span", {}, say(key))), input: input };
}

// Asked once; remembered on this device, and shown in each form so that the next person notices whose name it is.
function actor() {
  const made = field("act.by", { required: true, maxlength: 200, value: kept("localStorage", "by"), name: "by" });
  made.input.addEventListener("change", () => kept("localStorage", "by", made.input.value.trim()));
  return made;
}

// A form that does one thing: a button cannot be pressed twice, and what goes wrong is told where it was pressed.
function form(parts, key, act, kind) {
  const submit = el("button", { type: "submit", class: kind }, say(key));
  const told = el("div", {});
  const made = el("form", {}, ...parts.map(part => part.label || part), submit, told);
  made.addEventListener("submit", async event => {
    event.preventDefault();
    submit.disabled = true;
    put(told);
    try {
      await act(told);
    } catch (error) {
      put(told, trouble(error));
    }
    submit.disabled = false;
  });
  return made;
}

// Ask before acting, in the page: a WebView may show no window.confirm.
function sure(place, question, key, act) {
  const yes = button(key, async () => {
    yes.disabled = true;
    try {
      await act();
      put(place);
    } catch (error) {
      put(place, trouble(error));
    }
  }, "grave");
  put(place, el("div", { class: "warn box" }, ...question, yes, button("act.cancel", () => put(place), "plain")));
  yes.focus();
}

// Saves what was fetched with the token: a link cannot carry one.
function save(name, kind, content) {
  const url = URL.createObjectURL(new Blob([content], { type: kind }));
  const link = el("a", { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 60000);
}

function stamp() {
  return new Date().toISOString().slice(0, 16).replace(/[-:]/g, "");
}

// What became of it ----------------------------------------------------------------------------------------------------------

const FOLLOWED = 5; // lines at a time
const SETTLED = ["delivered", "held", "refused", "discarded"];

// Told by the result of an act: done, no difference any more, or why not.
function outcome(result) {
  if (!result.done) return say("obstacle." + result.obstacle, { number: result.number, other: result.other });
  return say(result.changed ? "act.done" : "act.unchanged");
}

function follow(result) {
  const number = result.number;
  const words = el("span", {});
  const line = el("li", { class: result.done ? null : "bad" },
    el("p", {}, el("a", { href: "#record/" + number }, say("record.number", { number: number })), ": ", outcome(result), " ", words),
    el("button", { type: "button", class: "plain", "aria-label": say("act.dismiss"), click: () => line.remove() }, "×"));
  const list = byId("followed");
  list.prepend(line);
  while (list.children.length > FOLLOWED) list.lastChild.remove();
  watch(number, words, line, result.state);
}

// In an outage that is long: it is asked for less and less often.
function watch(number, words, line, state, seconds = 0.5) {
  put(words, stateOf(state));
  if (!document.contains(line)) return;
  if (SETTLED.includes(state)) {
    again();
    return;
  }
  setTimeout(async () => {
    const found = await ask("GET", "/api/records/" + number).catch(() => ({ state: state }));
    watch(number, words, line, found.state, Math.min(10, seconds * 1.5));
  }, seconds * 1000);
}

function stateOf(state) {
  return el("b", { class: state === "held" ? "bad" : null }, sayOf("state", state));
}

// A line for each record of a list, each a link to its story.
function rows(records) {
  return el("div", { class: "rows" }, ...records.map(record => el("a", { href: "#record/" + record.number },
    el("b", {}, say("record.number", { number: record.number })), stateOf(record.state), " · ", when(record.recorded_at),
    record.clock_doubt ? " ?" : "", " · ", data(record.route), record.reason ? el("span", { class: "small" }, " · ", reasonOf(record.reason)) : null)));
}

// A reason in words, and the server's own code behind them.
function reasonOf(reason) {
  const key = beginning("why", reason || "");
  const rest = (reason || "").slice(key.length - "why.".length).trim();
  return el("span", {}, say(key), rest ? " (" : "", rest ? data(rest) : "", rest ? ")" : "");
}
