"use strict";
// When the server could not be reached, drawn and told.

const LABEL = 98;
const WIDE = 238;
const TALL = 22;
const KINDS = ["up", "down", "slow", "planned", "unobserved"];

async function showOutages(root, place) {
  const days = place.query.get("days") || "7";
  const since = new Date(Date.parse(app.now.at) - (days - 1) * 86400000).toISOString();
  const from = moment(new Intl.DateTimeFormat("en-CA", { timeZone: app.zone, year: "numeric", month: "2-digit", day: "2-digit" }).format(new Date(since)));
  const report = await ask("GET", "/api/outages/report" + query({ since: from, timezone: app.zone }), null, 120);
  const period = choice("outages.period", [["1", say("outages.day")], ["7", say("outages.week")], ["31", say("outages.month")]], days);
  period.input.addEventListener("change", () => { location.hash = "#outages" + query({ days: period.input.value }); });
  const told = el("div", {});
  put(root, heading("tab.outages"), period.label, drawing(report), legend(),
    form([], "outages.save", async () => {
      const page = await answer("GET", "/console/report" + query({ since: from, lang: app.language }), null, 120);
      save("outages-" + stamp() + ".html", "text/html", await page.text());
    }),
    el("p", { class: "small" }, say("outages.print")), told,
    ...(report.outages.length ? report.outages.reverse().map(outage) : [el("p", { class: "good box" }, say("outages.none"))]));
}

function outage(row) {
  return el("section", { class: "box" },
    el("h3", {}, when(row.started_at), " – ", row.ended_at ? when(row.ended_at) : say("outages.running"), " · ", span(row.duration_s), row.clock_doubtful ? " ?" : ""),
    el("p", {}, sayOf("kind", row.kind), row.kind === "planned" ? "" : ": ", row.kind === "planned" ? "" : sayOf("scope", row.scope),
      row.kind === "planned" ? "" : ", ", row.kind === "planned" ? "" : causeOf(row.cause), " · ", row.group === "*" ? say("outages.all") : data(row.group)),
    el("p", {}, say("outages.recorded", { doses: row.doses, records: row.records }), " ",
      row.waiting ? say("outages.waiting", { count: row.waiting }) : row.confirmed_at ? say("outages.confirmed", { at: when(row.confirmed_at) }) : ""),
    ...row.notes.map(note => el("p", { class: "small" }, data(note.by), ": ", data(note.reason))));
}

function causeOf(cause) {
  const status = /^http_(\d+)/.exec(cause);
  return status ? say("cause.http", { status: status[1] }) : sayOf("cause", cause);
}

// A bar for each day, midnight to midnight.
function drawing(report) {
  const tall = report.days.length * (TALL + 4) + 18;
  const made = el("svg", { viewBox: "0 0 " + (LABEL + WIDE) + " " + tall, role: "img", "aria-label": say("outages.drawing") });
  [0, 6, 12, 18].forEach(hour => made.append(el("text", { x: LABEL + (WIDE * hour) / 24, y: 12 }, String(hour))));
  report.days.forEach((told, row) => {
    const top = 18 + row * (TALL + 4);
    made.append(el("text", { x: 0, y: top + 16 }, day(told.from)));
    const begin = Date.parse(told.from);
    const bar = (kind, from, to) => {
      const left = Math.max(begin, Date.parse(from)) - begin;
      const right = Math.min(Date.parse(told.to), Date.parse(to)) - begin;
      if (right <= left) return;
      const scale = WIDE / 86400000;
      made.append(el("rect", { class: "k-" + kind, x: LABEL + left * scale, y: top, width: Math.max(1, (right - left) * scale), height: TALL },
        el("title", {}, app.words["kind." + kind] + " " + when(from) + " – " + when(to))));
    };
    bar("up", told.from, told.to);
    report.timeline.forEach(piece => bar(piece.kind, piece.from, piece.to));
  });
  return made;
}

function legend() {
  return el("p", { class: "legend small" }, ...KINDS.map(kind =>
    el("span", {}, el("svg", { viewBox: "0 0 14 14", "aria-hidden": "true" }, el("rect", { class: "k-" + kind, width: 14, height: 14 })), sayOf("kind", kind))));
}
