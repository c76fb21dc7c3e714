"use strict";
// Looking for records. A person is named in the body of a POST and in no address: addresses are kept and shown.

const STATES = ["pending", "sending", "unknown", "held", "delivered", "refused", "discarded"];
const UNSENT = ["pending", "sending", "unknown"];
const SHOWN = 200;

async function showRecords(root, place) {
  const number = field("find.number", { inputmode: "numeric", pattern: "[0-9]*" });
  const chosen = place.query.get("state") || "";
  const state = choice("find.state", [["", say("find.any")], ["unsent", say("find.unsent")]].concat(STATES.map(name => [name, say("state." + name)])), chosen);
  const route = choice("find.route", [["", say("find.any")]].concat(app.now.routes.map(name => [name, name])), place.query.get("route") || "");
  const since = field("find.since", { type: "date", value: place.query.get("since") });
  const person = field("find.person", { name: "person" });
  const found = el("div", { "aria-live": "polite" });

  async function look() {
    if (number.input.value) {
      location.hash = "#record/" + number.input.value.trim();
      return;
    }
    const values = { state: state.input.value, route: route.input.value, since: since.input.value };
    history.replaceState(null, "", "#records" + query(values));
    const asked = { limit: SHOWN + 1 };
    if (values.state) asked.state = values.state === "unsent" ? UNSENT : [values.state];
    if (values.route) asked.route = [values.route];
    if (values.since) asked.since = moment(values.since);
    if (person.input.value.trim()) asked.lane = person.input.value.trim();
    const records = await ask("POST", "/api/records/search", asked);
    put(found, records.length ? rows(records.slice(0, SHOWN)) : el("p", {}, say("find.none")),
      records.length > SHOWN ? el("p", {}, say("find.narrow", { count: SHOWN })) : null);
  }

  put(root, heading("tab.records"), form([el("div", { class: "fields" }, number.label, person.label, state.label, route.label, since.label)], "find.look", look), found);
  if (chosen) await look();
}
