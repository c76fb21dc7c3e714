"use strict";
// What is going on, and what is to be done now.

const WHY_S = 15; // what records wait for is reckoned from all of them: asked less often than the rest

function showNow(root) {
  const body = el("div", {});
  let drawn = "";
  let waits = {};
  let asked = 0;

  async function refresh() {
    const records = app.now.status.records;
    const unsent = records.pending + records.sending + records.unknown;
    if (!unsent) waits = {};
    else if (Date.now() - asked > WHY_S * 1000) {
      asked = Date.now();
      waits = (await ask("POST", "/api/replay", { dry_run: true })).waiting;
    }
    // Drawn only when something is different: who reads or has the focus in it is not disturbed.
    const status = app.now.status;
    const facts = [app.now.tell, app.now.next_step, app.now.disk, records, waits, status.next_deadline_at, status.all_confirmed,
      status.hold, status.needs_log_in, status.past_deadline, status.credential, status.clock.doubtful, status.damage, status.restored,
      status.groups.map(group => group.upstream)];
    const picture = JSON.stringify(facts);
    if (picture === drawn) return;
    drawn = picture;
    put(body, ...pictured(app.now, unsent, waits));
  }

  put(root, heading("tab.now"), body);
  return refresh().then(() => refresh);
}

function pictured(now, unsent, waits) {
  const status = now.status;
  return [
    el("p", { class: "tell" }, now.tell),
    el("p", { class: "tell" }, el("b", {}, now.next_step)),
    ...warnings(now),
    status.all_confirmed ? el("p", { class: "good box" }, say("now.all-confirmed")) : null,
    el("div", { class: "figures" },
      figure("#records?state=unsent", unsent, "now.unsent"),
      figure("#held", status.records.held, "now.held", status.records.held > 0),
      figure("#records?state=delivered", status.records.delivered, "now.delivered")),
    Object.keys(waits).length ? el("h3", {}, say("now.waits-for")) : null,
    reasons(waits),
    status.next_deadline_at ? el("p", {}, say("now.deadline"), " ", el("b", {}, when(status.next_deadline_at))) : null,
  ];
}

function figure(href, count, key, some) {
  return el("a", { class: some ? "figure some" : "figure", href: href }, el("b", {}, String(count)), say(key));
}

function reasons(waits) {
  return el("ul", { class: "plain" }, ...Object.keys(waits).map(reason => el("li", {}, el("b", {}, waits[reason] + " "), sayOf("waits", reason))));
}

function warnings(now) {
  const status = now.status;
  const found = [];
  const warn = (key, values, href, grave) => found.push(el("p", { class: grave ? "grave box" : "warn box" }, say(key, values), " ",
    href ? el("a", { class: "button plain", href: href }, say("now.see")) : null));
  if (now.disk.why !== "well") warn("disk." + now.disk.why, { doses: now.disk.doses }, null, !now.can_record);
  if (status.hold) {
    found.push(el("p", { class: "warn box" }, say("now.hold", { at: when(status.hold.held_at) }), " ", data(status.hold.by), ". ",
      status.hold.until ? say("now.hold-until", { at: when(status.hold.until) }) + " " : null, status.hold.reason ? data(status.hold.reason) : null, " ",
      el("a", { class: "button plain", href: "#send" }, say("now.see"))));
  }
  if (status.past_deadline) warn("now.late", { count: status.past_deadline }, "#send", true);
  if (status.credential && !status.credential.ok) warn("now.credential", {}, null, true);
  if (status.needs_log_in) warn("now.log-in", { count: status.needs_log_in }, "#records?state=unsent");
  if (status.clock.doubtful) warn("now.clock");
  const last = status.damage[status.damage.length - 1];
  if (last) warn(last.held.length ? "now.damage-held" : "now.damage", { at: when(last.at), numbers: last.held.join(", ") }, last.held.length ? "#held" : null);
  if (last && last.commits_lost) warn("now.damage-lost", { count: last.commits_lost }, null, true);
  if (status.restored) warn("now.copy", { at: when(status.restored.at), first: status.restored.last_number + 1, next: status.restored.next_number });
  const apart = status.groups.filter(group => group.upstream === "down" && !group.records).map(group => group.group);
  if (apart.length) found.push(el("p", { class: "warn box" }, say("now.apart"), " ", data(apart.join(", "))));
  return found;
}
