"use strict";
// What needs a person: by cause, and the acts on all of one cause.

async function showHeld(root) {
  const body = el("div", {});
  let drawn = "";

  async function refresh() {
    const groups = await ask("GET", "/api/held");
    const picture = JSON.stringify(groups);
    if (picture === drawn) return;
    drawn = picture;
    put(body, ...(groups.length ? groups.map(card) : [el("p", { class: "good box" }, say("held.none"))]));
  }

  put(root, heading("tab.held"), body);
  await refresh();
  return refresh;
}

function card(group) {
  const waiting = group.blocks.reduce((sum, block) => sum + block.waiting.length, 0);
  return el("section", { class: "box" },
    el("h3", {}, reasonOf(group.reason)),
    el("p", {}, say("held.count", { count: group.count, persons: group.persons }), " · ", data(group.route), " · ", say("held.oldest", { at: when(group.oldest_at) })),
    waiting ? el("p", {}, say("held.behind", { count: waiting })) : null,
    el("p", {}, el("b", {}, say(beginning("do", group.reason)))),
    el("a", { class: "button", href: "#group" + query({ route: group.route, reason: group.reason || " " }) }, say("held.open")));
}

async function showGroup(root, place) {
  const route = place.query.get("route");
  const reason = place.query.get("reason").trim();
  const listed = await ask("GET", "/api/records" + query({ state: "held", route: route, cause: reason, limit: 10000 }));
  // `cause` is how a reason begins: what is acted on is what is shown, so others that begin alike are left out.
  const records = listed.filter(record => (record.reason || "") === reason);
  put(root, heading("held.group"),
    el("p", {}, reasonOf(reason), " · ", data(route)),
    el("p", {}, el("b", {}, say(beginning("do", reason)))),
    records.length ? rows(records.slice(0, 100)) : el("p", { class: "good box" }, say("held.none")),
    records.length > 100 ? el("p", {}, say("list.more", { count: records.length - 100 })) : null,
    records.length > 1 ? together(records.map(record => record.number)) : null);
}

function together(numbers) {
  return el("details", {}, el("summary", {}, say("held.all", { count: numbers.length })), decidingAll(numbers), correctingAll(numbers));
}

function decidingAll(numbers) {
  const by = actor();
  const why = field("act.reason", { name: "reason", maxlength: 500 });
  const act = choice("held.act", [["retry", say("act.retry")], ["discard", say("act.discard")]], "retry");
  const word = tick("act.word");
  act.input.addEventListener("change", () => { why.input.required = act.input.value === "discard"; });
  return form([by, act, why, word], "held.preview", async told => {
    const asked = { keys: numbers.map(String), by: by.input.value.trim(), reason: why.input.value, word: word.input.checked };
    const path = "/api/" + act.input.value;
    const plan = await ask("POST", path, Object.assign({ dry_run: true }, asked));
    const question = el("p", {}, say("held.sure", { count: plan.records, persons: plan.persons }), " ", el("b", {}, say("act." + act.input.value)));
    sure(told, [question], "act.yes", async () => report((await ask("POST", path, asked)).results));
  });
}

// One field of many: a desk had the wrong batch number for an hour.
function correctingAll(numbers) {
  const by = actor();
  const why = field("act.reason", { name: "reason", maxlength: 500 });
  const which = choice("held.field", []);
  const value = field("held.value", { name: "value" });
  const made = form([which, value, by, why], "edit.check", async told => {
    const asked = { set: [which.input.value + "=" + value.input.value], by: by.input.value.trim(), reason: why.input.value };
    const plans = await each(numbers, number => planned(number, asked));
    const changing = plans.filter(plan => plan.changes.length);
    const kinds = new Set(changing.map(plan => JSON.stringify(plan.changes[0].old) + " → " + JSON.stringify(plan.changes[0].new)));
    if (!changing.length) {
      const wrong = plans.find(plan => plan.error);
      put(told, wrong ? trouble(wrong.error) : el("p", { class: "bad" }, say("edit.nothing")));
      return;
    }
    sure(told, [el("p", {}, say("held.corrects", { count: changing.length })), ...Array.from(kinds, kind => el("p", {}, data(kind)))], "edit.send",
      async () => report(await each(changing, plan => ask("POST", "/api/records/" + plan.number + "/edit", asked))));
  });

  // What a record says is read only when it is wanted.
  async function fields() {
    if (which.input.options.length) return;
    try {
      const first = await ask("GET", "/api/records/" + numbers[0] + query({ body: "true" }));
      put(which.input, ...leaves(first.body).map(([path, old]) => el("option", { value: path }, path + ": " + JSON.stringify(old))));
    } catch (error) {
      made.append(trouble(error));
    }
  }

  return el("details", { toggle: fields }, el("summary", {}, say("held.correct")), made);
}

// One that has no such field is left as it is.
function planned(number, asked) {
  return ask("POST", "/api/records/" + number + "/edit", Object.assign({ dry_run: true }, asked)).catch(error => {
    if (error.kind !== "unfit") throw error;
    return { changes: [], error: error };
  });
}

// One after the other: each is a record of its own, and desks come between.
async function each(things, act) {
  const found = [];
  for (const thing of things) found.push(await act(thing));
  return found;
}

// Of many: how many were done, and each that was not, with why.
function report(results) {
  const not = results.filter(result => !result.done);
  if (results.length - not.length === 1 && !not.length) follow(results[0]);
  else byId("followed").prepend(el("li", {}, el("p", {}, say("held.done", { done: results.length - not.length, count: results.length }))));
  not.slice(0, FOLLOWED - 1).forEach(follow);
  location.hash = "#held";
}
