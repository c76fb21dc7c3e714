"""`dosekeeper status`: how the centre stands."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any, Final

import click

from proxy.cli.configured import settings_of
from proxy.cli.moments import shown, span
from proxy.cli.reach import ask
from proxy.cli.showing import as_json, facts

LOOK_UPS_SHOWN: Final = 5


@click.command(epilog="Example: dosekeeper status --check || echo 'the national server is down, or the service does not run'")
@click.option("--check", is_flag=True, help="Exit with 1 in an outage, and where no service runs.")
@click.option("--json", "json_", is_flag=True, help="Print JSON.")
@click.pass_context
def status(ctx: click.Context, *, check: bool, json_: bool) -> None:
    """Tell whether the national server is up, and what still has to go to it."""
    settings = settings_of(ctx)
    found: dict[str, Any] = ask(settings, "status", {})
    if json_:
        as_json(found)
    else:
        facts(_lines(found, settings.centre.timezone))
    if check and (found["upstream"] == "down" or not found["service"]):
        sys.exit(1)


def _lines(found: Mapping[str, Any], zone: str) -> list[tuple[str, str]]:
    records = ", ".join(f"{count} {state}" for state, count in found["records"].items() if count)
    lines = [
        ("National server", _upstream(found, zone)),
        *((f"  {group['group']}", _group(group, zone)) for group in found["groups"] if group["upstream"] == "down"),
        ("Records", records or "none"),
        ("Oldest unsent", shown(found["oldest_unsent_at"], zone)),
        ("Next deadline", shown(found["next_deadline_at"], zone)),
        ("All confirmed", "yes" if found["all_confirmed"] else "no"),
        ("Look-ups", f"{found['remembered']['answers']} answers remembered ({found['remembered']['bytes'] >> 20} MiB)"),
    ]
    if (coverage := found["coverage"]) and coverage["persons"]:
        lines.append(("  in an outage", f"an outage now would find {coverage['found']} of {coverage['persons']} persons"))
    if hold := found["hold"]:
        until = "until it is released: dosekeeper release" if hold["until"] is None else f"until {shown(hold['until'], zone)}"
        why = f" ({hold['reason']})" if hold["reason"] else ""
        lines.insert(0, ("On hold", f"by {hold['by']} since {shown(hold['held_at'], zone)}, {until}{why}"))
    if restored := found["restored"]:
        lines.append(("Journal", _copy(restored, zone)))
    if disk := found["recording"]["reason"]:
        heading = "Recording" if found["recording"]["can_record"] else "NOT RECORDING"
        lines.insert(0, (heading, f"{disk}. {found['recording']['next_step']}"))
    if found["records"]["held"]:
        lines.append(("Held", f"{_waiting(found['records']['held'])} for a person: dosekeeper records list --state held --grouped"))
    lines.extend(_damage(found, zone))
    if (own := found["credential"]) and not own["ok"]:
        lines.insert(
            0, ("Credential", f"{own['reason']}. Put the right one in place: upstream.headers or upstream.oauth2; it is read anew")
        )
    if found["needs_log_in"]:
        lines.append(("Needs log-in", f"records of {found['needs_log_in']} wait for whoever recorded them to log in at a desk"))
    lines += _look_ups_that_fail(found["look_ups_fail"])
    if found["past_deadline"]:
        lines.append(("LATE", f"{found['past_deadline']} past their deadline. Enter them by hand, from: dosekeeper export --out FILE"))
    if found["clock"]["doubtful"]:
        lines.append(("CLOCK", f"{found['clock']['reason']}. Compare it with a telephone's and set it; doses taken meanwhile are marked"))
    if not found["service"]:
        lines.insert(0, ("Service", f"NOT RUNNING. {_as_of(found, zone)}. Start it: dosekeeper serve"))
    return lines


def _waiting(count: int) -> str:
    return f"{count} waits" if count == 1 else f"{count} wait"


def _as_of(found: Mapping[str, Any], zone: str) -> str:
    if found["as_of"] is None:
        return "No service ever looked whether the server is up; the rest is from the journal"
    return f"What follows is from the journal alone, and of the server as of {shown(found['as_of'], zone)}"


def _look_ups_that_fail(numbers: Sequence[int]) -> list[tuple[str, str]]:
    if not numbers:
        return []
    of = ", ".join(map(str, numbers[:LOOK_UPS_SHOWN])) + (" and more" if len(numbers) > LOOK_UPS_SHOWN else "")
    return [("Look-ups fail", f"the server fails when it is asked for {of}. See: dosekeeper records show {numbers[0]}")]


def _damage(found: Mapping[str, Any], zone: str) -> list[tuple[str, str]]:
    lines = []
    if found["damage"]:
        last = found["damage"][-1]
        held = f"; held: {', '.join(map(str, last['held']))}" if last["held"] else "; no record was lost"
        lost = f"; the last {last['commits_lost']} commits are LOST" if last["commits_lost"] else ""
        lines.append(
            ("Damage", f"the journal was damaged and put right {shown(last['at'], zone)}{held}{lost}. See: dosekeeper journal check")
        )
    if originals := found["originals"]:
        size = sum(original["bytes"] for original in originals) >> 20
        said = f"damaged files kept beside the journal: {len(originals)} ({size} MiB), the last {originals[-1]['name']}"
        lines.append(("  originals", said))
    return lines


def _copy(restored: Mapping[str, Any], zone: str) -> str:
    made = "by hand" if restored["copied_at"] is None else f"on {shown(restored['copied_at'], zone)}"
    return (
        f"a copy, made {made}, in use since {shown(restored['at'], zone)}. What was recorded after it was made is not in it: "
        f"numbers from {restored['last_number'] + 1} on; new ones begin at {restored['next_number']}. "
        "What was unsent in it is looked up before it is sent"
    )


def _upstream(found: Mapping[str, Any], zone: str) -> str:
    outage = found["outage"]
    if found["upstream"] == "down" and outage is not None:
        return f"down since {shown(outage['started_at'], zone)}, for {span(outage['duration_s'])}"
    return {"up": "up", "down": "down", "held": "up; nothing is sent, an operator holds it"}[found["upstream"]]


def _group(group: Mapping[str, Any], zone: str) -> str:
    outage = group["outage"]
    if outage is None:
        return "down"
    return f"down since {shown(outage['started_at'], zone)} ({outage['cause']}, {outage['scope']})"
