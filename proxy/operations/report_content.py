"""What the report of outages says, whether it is printed or drawn: the columns of its table, and the sentences about an outage."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from proxy.operations.report_words import Words
from proxy.texts import marked

Told = Mapping[str, Any]
"""What `proxy.operations.outage_report` answers, or a part of it."""

KINDS: Final = {
    "down": marked("down"),
    "slow": marked("slow"),
    "planned": marked("maintenance"),
    "unobserved": marked("not watched"),
}

EXPLAINED: Final = (
    marked("Down: no record could be sent, be it the server, our own line or the way between. It is counted without what nobody watched."),
    marked("Doses, walk-ins: recorded meanwhile, told on the day on which that began, or the first here; none refused or given up."),
    marked("An outage counts on each day that it touches, so the days may have more of them than the whole."),
    marked("Late: the server did not have them by the deadline for late entries."),
    marked("Not watched: dosekeeper was not running, and nobody knows how the server was. It counts neither as up nor as down."),
)

SCOPES: Final = {
    "local": marked("our own line"),
    "between": marked("the way to the server"),
    "upstream": marked("the server"),
}

CAUSES: Final = {
    "dns": marked("its name could not be looked up"),
    "refused": marked("it refused connections"),
    "connect": marked("no connection"),
    "tls": marked("its certificate, or the encryption, failed"),
    "timeout": marked("no answer in time"),
    "reset": marked("connections were cut"),
    "truncated": marked("answers broke off"),
    "protocol": marked("it did not speak HTTP"),
    "slow": marked("it answered too late"),
    "portal": marked("somebody else's web page answered in its place"),
    "redirect": marked("it sent us elsewhere"),
    "content_type": marked("somebody else answered in its place"),
    "throttled": marked("it took no more requests"),
    "waf": marked("it took no more requests"),
    "auth": marked("it refused log-ins that had been good"),
}


def heading(words: Words, centre: str) -> str:
    """Return the report's title."""
    return words.say(marked("When the national server could not be reached: {centre}"), centre=centre)


def period(report: Told, words: Words) -> str:
    """Return which time it is about, and when it was made."""
    text = marked("From {since} to {until}. Made on {made}. Times of {zone}.")
    since, until, made = (words.minute(report[name]) for name in ("from", "to", "made_at"))
    return words.say(text, since=since, until=until, made=made, zone=words.timezone)


def in_short(report: Told, words: Words) -> str:
    """Return the whole in a sentence or two."""
    total = report["total"]
    if not total["outages"]:
        return words.say(marked("No outage was seen."))
    own = marked("Of these because of our own line: {outages}.")
    sentences = [
        words.say(
            marked("Outages: {outages}, {down} in all, the longest {longest}."),
            outages=words.number(total["outages"]),
            down=words.length(total["down_s"]),
            longest=words.length(total["longest_s"]),
        ),
        *([words.say(own, outages=words.number(total["own_line"]))] if total["own_line"] else []),
        words.say(marked("Doses recorded meanwhile: {doses}."), doses=words.number(total["doses"])),
        _fate(total, words),
    ]
    return " ".join(sentences)


def head_of(outage: Told, words: Words) -> str:
    """Return an outage in one line: which, of what, when, how long."""
    ended = words.say(marked("still going on")) if outage["ended_at"] is None else words.time(outage["ended_at"])
    of = words.say(marked("all")) if outage["group"] == "*" else outage["group"]
    kind = words.say(KINDS[outage["kind"]])
    return f"#{outage['id']} {of}, {kind}: {words.time(outage['started_at'])} – {ended} ({words.length(outage['duration_s'])})"


def about(outage: Told, words: Words) -> Iterator[str]:
    """Yield what else there is to say of an outage, a sentence each."""
    yield _why(outage, words)
    if outage["kind"] == "down":
        yield from _bounds(outage, words)
        yield from _errors(outage, words)
    if outage["slow_share"] is not None:
        yield words.say(marked("{share} of all calls were answered late."), share=words.share(outage["slow_share"]))
    yield from _recorded(outage, words)
    if outage["longest_wait_s"]:
        yield words.say(marked("Longest wait of a desk for its answer: {length}."), length=words.length(outage["longest_wait_s"]))
    if outage["unobserved_s"]:
        yield words.say(marked("Not watched for {length} of it."), length=words.length(outage["unobserved_s"]))
    if outage["flaps"]:
        yield words.say(marked("It came back for less than two minutes: {flaps} times."), flaps=words.number(outage["flaps"]))
    if outage["clock_doubtful"]:
        yield words.say(marked("The clock was set meanwhile, or wrong: times are by the clock as it stood when it began."))
    for note in outage["notes"]:
        yield _note(note, words)


def _why(outage: Told, words: Words) -> str:
    if outage["kind"] == "planned":
        return words.say(marked("An operator held the records back."))
    where = _capital(words.say(SCOPES[outage["scope"]]))
    return words.say(marked("{where}: {cause}."), where=where, cause=_cause(outage["cause"], words))


def _cause(cause: str, words: Words) -> str:
    if cause.startswith("http_"):
        return words.say(marked("it answered with status {status}"), status=cause.removeprefix("http_").removesuffix("_unexpected"))
    return words.say(CAUSES[cause]) if cause in CAUSES else cause


def _bounds(outage: Told, words: Words) -> Iterator[str]:
    (good, bad), (asked, ended) = outage["began_between"], outage["ended_between"]
    if bad is not None:
        earliest = words.say(marked("a time that is not known")) if good is None else words.time(good)
        yield words.say(marked("It began between {earliest} and {latest}."), earliest=earliest, latest=words.time(bad))
    if ended is not None and asked is not None:
        yield words.say(marked("It ended between {earliest} and {latest}."), earliest=words.time(asked), latest=words.time(ended))


def _errors(outage: Told, words: Words) -> Iterator[str]:
    if outage["first_error"] == outage["last_error"] != "":
        yield words.say(marked("The error: {error}."), error=outage["last_error"])
    elif outage["first_error"]:
        text = marked("The first error: {first}; the last: {last}.")
        yield words.say(text, first=outage["first_error"], last=outage["last_error"])


def _recorded(outage: Told, words: Words) -> Iterator[str]:
    if outage["records"] or outage["given_up"]:
        text = marked("Recorded meanwhile: doses {doses}, walk-ins {walk_ins}, records in all {records}.")
        yield words.say(text, **{name: words.number(outage[name]) for name in ("doses", "walk_ins", "records")})
        yield _fate(outage, words)


def _fate(told: Told, words: Words) -> str:
    said = []
    if told["waiting"]:
        said.append(words.say(marked("Not confirmed yet: {waiting}."), waiting=words.number(told["waiting"])))
    elif told["confirmed_at"] is not None:
        said.append(words.say(marked("All of it was confirmed by {time}."), time=words.time(told["confirmed_at"])))
    said.append(words.say(marked("After the deadline: {late}."), late=words.number(told["late"])))
    if told["given_up"]:
        said.append(words.say(marked("Besides, refused or given up: {given_up}."), given_up=words.number(told["given_up"])))
    return " ".join(said)


def _confirmed(told: Told, words: Words) -> str:
    if told["waiting"]:
        return words.say(marked("{waiting} are not"), waiting=words.number(told["waiting"]))
    return "–" if told["confirmed_at"] is None else words.time(told["confirmed_at"])


def _note(note: Told, words: Words) -> str:
    where = [words.say(SCOPES[note["scope"]])] if note["scope"] else []
    known = ", ".join([*where, *([_cause(note["cause"], words)] if note["cause"] else [])])
    said = f"{note['reason']} ({known})" if known else note["reason"]
    return words.say(marked("Note by {by}, {time}: {said}"), by=note["by"], time=words.time(note["at"]), said=said)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


COLUMNS: Final[tuple[tuple[str, Callable[[Told, Words], str]], ...]] = (
    (marked("Outages"), lambda told, words: words.count(told["outages"])),
    (marked("Down"), lambda told, words: words.length(told["down_s"])),
    (marked("Longest"), lambda told, words: words.length(told["longest_s"])),
    (marked("Doses"), lambda told, words: words.count(told["doses"])),
    (marked("Walk-ins"), lambda told, words: words.count(told["walk_ins"])),
    (marked("All confirmed"), _confirmed),
    (marked("Given up"), lambda told, words: words.count(told["given_up"])),
    (marked("Late"), lambda told, words: words.count(told["late"])),
    (marked("Slow"), lambda told, words: words.length(told["slow_s"])),
    (marked("Maintenance"), lambda told, words: words.length(told["planned_s"])),
    (marked("Not watched"), lambda told, words: words.length(told["unobserved_s"])),
)
"""The heads of the table, and what stands below each for a day, a month or the whole."""
