"use strict";
// Sending now, holding back, and what goes elsewhere: the paper register, and what helps by telephone.

const LOOK_S = 1; // the sidecar looks as often

async function showSend(root) {
  const progress = el("div", { "aria-live": "polite" });
  const planned = el("div", {});
  let asked = 0;

  async function refresh() {
    if (Date.now() - asked < WHY_S * 1000) return;
    asked = Date.now();
    const plan = await ask("POST", "/api/replay", { dry_run: true });
    put(planned, el("p", {}, say("send.plan", { count: plan.records, lanes: plan.lanes })), reasons(plan.waiting));
  }

  await refresh();
  const run = await ask("GET", "/api/replay");
  put(root, heading("tab.send"),
    planned,
    form([], "send.now", async () => watchRun(progress, await ask("POST", "/api/replay", {}))),
    progress,
    el("h3", {}, say("hold.title")), holding(),
    el("h3", {}, say("export.title")), exporting(),
    el("h3", {}, say("support.title")), el("p", {}, say("support.what")),
    form([], "support.save", async () => save("dosekeeper-support-" + stamp() + ".json", "application/json", JSON.stringify(await ask("GET", "/api/support"), null, 1))));
  if (run.running) watchRun(progress, run);
  return refresh;
}

function watchRun(place, run) {
  const left = Object.keys(run.waiting).reduce((sum, reason) => sum + run.waiting[reason], 0);
  put(place, el("div", { class: run.running || left ? "box" : "good box" },
    el("p", {}, say(run.running ? "send.running" : "send.over", { done: run.chosen - left, count: run.chosen })),
    el("progress", { max: Math.max(1, run.chosen), value: run.chosen ? run.chosen - left : 1 }), reasons(run.waiting)));
  if (!run.running) return;
  setTimeout(() => {
    if (!document.contains(place)) return; // somebody has gone to another view
    ask("GET", "/api/replay").then(next => watchRun(place, next), error => put(place, trouble(error)));
  }, LOOK_S * 1000);
}

function holding() {
  const by = actor();
  const hold = app.now.status.hold;
  if (hold) {
    return el("div", {}, el("p", { class: "warn box" }, say("now.hold", { at: when(hold.held_at) }), " ", data(hold.by), ". ",
      hold.until ? say("now.hold-until", { at: when(hold.until) }) : ""),
      form([by], "hold.release", async () => { await ask("POST", "/api/release", { by: by.input.value.trim() }); await poll(); await moved(); }));
  }
  const why = field("act.reason", { name: "reason", maxlength: 500, required: true });
  const until = field("hold.until", { type: "datetime-local" });
  return el("div", {}, el("p", {}, say("hold.what")), form([by, why, until], "hold.hold", async () => {
    const asked = { by: by.input.value.trim(), reason: why.input.value };
    if (until.input.value) asked.until = moment(until.input.value);
    await ask("POST", "/api/hold", asked);
    await poll();
    await moved();
  }));
}

function exporting() {
  const by = actor();
  return el("div", {}, el("p", {}, say("export.what")), form([by], "export.save", async told => {
    const asked = { by: by.input.value.trim() };
    const count = (await ask("POST", "/api/export", { by: asked.by, dry_run: true })).records;
    if (!count) {
      put(told, el("p", { class: "good box" }, say("now.all-confirmed")));
      return;
    }
    sure(told, [el("p", {}, say("export.sure", { count: count }))], "act.yes", async () => {
      const found = await ask("POST", "/api/export", asked);
      // The mark by which spreadsheets know the encoding of names.
      save("register-" + stamp() + ".csv", "text/csv", "\ufeff" + csv([found.columns].concat(found.rows.map(row => localTimes(found.columns, row)))));
    });
  }));
}

function localTimes(columns, row) {
  const options = { year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit" };
  return row.map((value, place) => (value && columns[place].endsWith("_at") ? written(value, options) : value));
}

// What a spreadsheet would take for a formula is marked as text, as dosekeeper export does.
function csv(lines) {
  const cell = value => {
    const safe = /^[=+\-@\t\r]/.test(value) ? "'" + value : value;
    return /[",\r\n]/.test(safe) ? '"' + safe.replace(/"/g, '""') + '"' : safe;
  };
  return lines.map(line => line.map(cell).join(",") + "\r\n").join("");
}
