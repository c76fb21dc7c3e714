"use strict";
// Who did what, the newest first.

const PAGE = 1000; // entries that are told at a time
const LATEST = 200;

async function showAudit(root) {
  const entries = await latest();
  const told = el("div", { "aria-live": "polite" });
  put(root, heading("tab.audit"),
    form([], "audit.verify", async () => {
      const found = await ask("GET", "/api/audit/verify");
      put(told, found.whole ? el("p", { class: "good box" }, say("audit.whole")) : el("p", { class: "grave box" }, say("audit.broken", { id: found.first_broken })));
    }), told,
    entries.length ? el("div", { class: "rows" }, ...entries.map(acted)) : el("p", {}, say("audit.none")));
}

// They are told oldest first, a page at a time.
async function latest() {
  let found = [];
  for (;;) {
    const page = await ask("GET", "/api/audit" + query({ after: found.length ? found[found.length - 1].id : 0, limit: PAGE }));
    found = found.concat(page).slice(-LATEST);
    if (page.length < PAGE) return found.reverse();
  }
}
