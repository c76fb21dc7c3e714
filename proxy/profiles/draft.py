"""
A first profile from an OpenAPI description: it loads as it is, and says at each guess what a person must decide.

An API description says how calls are written, never which of them may wait, whom they concern, or what may be sent twice. So a write
is `pass` unless its words speak of vaccinating or registering and its body names a person; everything that could lose or double a dose
when guessed wrong (look-ups, ids, receipts) is left as a comment.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from re import Pattern
from re import compile as regex
from textwrap import wrap
from typing import Final

from proxy.profiles.openapi import Api, Operation
from proxy.profiles.paths import covers, is_parameter, is_template, overlap

DECIDE: Final = "DECIDE"
"""Marks what a person must decide; `dosekeeper profile check` counts what is left of them."""

_RECORDED: Final = regex(r"vaccin|immuni|dose|jab|regist|enrol|beneficiar|patient")
_LIVE: Final = regex(r"auth|log-?in|logout|token|otp|session|password|book|appoint|schedul|slot|search|cancel|delete")
_PERSON: Final = regex(
    r"(?i)(beneficiary|patient|person|client|citizen|individual|recipient|member|subject|(pre)?enrol\w*)_?-?\w*(id|code|number|ref\w*)$"
)
_DOSE: Final = regex(r"(?i)^dose(_?-?(number|no|seq\w*))?$")
_NAME: Final = regex(r"(?i)^(full|first|last|family|given)?_?-?name$|mobile|phone|birth|dob|gender|sex")
_ID: Final = regex(r"(?i)^id$|_id$|Id$|reference")
_MEMBER: Final = regex(r"[A-Za-z_][A-Za-z0-9_]*")
_FIELD: Final = regex(r"[A-Za-z_][\w-]*")
_BAR: Final = "'|'"


def draft(api: Api, source: str) -> str:
    """Return the text of a profile; *source* is what the description is called."""
    return "\n".join((*_head(api, source), *_answers(api), *_groups(api), *_routes(api.operations))) + "\n"


def _ask(question: str, indent: str = "") -> Iterator[str]:
    yield from wrap(f"{DECIDE}: {question}", 130, initial_indent=f"{indent}# ", subsequent_indent=f"{indent}#   ", break_on_hyphens=False)


def _head(api: Api, source: str) -> Iterator[str]:
    yield f"# Drafted from {source}. Each {DECIDE} is a guess, or a question that the description does not answer."
    yield "# docs/profiles.md explains every key; dosekeeper profile check says what is wrong, profile try what becomes of a request."
    if api.base:
        yield f"# The paths lie below {api.base}, which belongs into upstream.url: https://host{api.base}"
    yield f"profile: {_quoted(_name(api.title))}"
    yield f"title: {_quoted(f'{api.title} {api.version}')}"
    yield from _ask("what else is known, and how sure are you of which?")
    yield f"sources: {_quoted(f'Drafted from {source}; nothing of it was tried.')}"
    yield from _ask("is any other header field a credential? These are never journalled.")
    fields = {field for field in api.credential_fields if _FIELD.fullmatch(field)}
    yield f"credentials: {{headers: [{', '.join(sorted(fields | {'authorization', 'cookie'}))}]}}"
    yield from _ask("pacing: how many calls a minute may one centre make, and how long may a request still run whose answer was lost?")
    yield from _ask("back_entry: until when may a dose be entered late? sweep: which hours are quiet enough to ask once more?")
    yield from _ask("provisional: what do ids of persons look like? Needed with `issues`.")


def _answers(api: Api) -> Iterator[str]:
    yield "answers:"
    yield f"  content_types: {json.dumps(list(api.media_types))}"
    yield from _ask("what does a success look like, so that the page of a portal does not?", "  ")
    yield '  accepted: "status >= `200` && status < `300` && body != `null`"'
    errors = [name for name in api.errors if _MEMBER.fullmatch(name)][:2]
    if errors:
        yield from _ask("read off the 4xx of the description. Only the server itself must look like this, no gateway before it.", "  ")
        yield f"  own_error: {_quoted(' && '.join(f'body.{name} != `null`' for name in errors))}"
    else:
        yield from _ask("the description shows no error body. What do errors look like that only the server itself can have made?", "  ")
        yield "  own_error: \"type(body) == 'object'\""
    yield from _ask("auth, unavailable, already_recorded: how does the server say these, if it does?", "  ")


def _groups(api: Api) -> Iterator[str]:
    probe = next((one for one in api.operations if one.method == "GET" and not is_template(one.path) and not one.query), None)
    yield "groups:"
    yield from _ask("which routes fail apart from the others? They are a group of their own.", "  ")
    if probe is None:
        yield from _ask("probe: which GET changes nothing and needs no person? The description has none without parameters.", "  ")
        yield "  main: {}"
    else:
        yield from _ask("is this call cheap, and does it show that writes work?", "  ")
        yield f"  main: {{probe: {{path: {_quoted(probe.path)}}}}}"


def _routes(operations: Sequence[Operation]) -> Iterator[str]:
    yield "routes:"
    placed: list[Operation] = []
    for operation in sorted(operations, key=_breadth):
        rival = next((other for other in placed if _clash(other, operation)), None)
        if rival is None:
            placed.append(operation)
            yield from _route(operation, operations)
        else:
            yield from _ask(f"{operation.method} {operation.path} is left out: some paths fit both it and {rival.path}.", "  ")


def _route(operation: Operation, all_: Sequence[Operation]) -> Iterator[str]:
    key = _key(operation) if _seems_recorded(operation) else []
    policy, question = _policy(operation, key)
    yield f"  - name: {_quoted(operation.name)}"
    yield f"    method: {operation.method}"
    yield f"    path: {_quoted(operation.path)}"
    yield "    group: main"
    yield from _ask(question, "    ")
    yield f"    policy: {policy}"
    if key:
        yield from _recorded(operation, key, all_)


def _policy(operation: Operation, key: Sequence[str]) -> tuple[str, str]:
    if operation.method in ("GET", "HEAD"):
        return "read", "pass, where an old answer would do harm? slots, where path or query names a person?"
    if key:
        return "record", "guessed from its words. Or pass: must it wait for a live answer?"
    if _seems_recorded(operation):
        return "pass", "record? Its words say so, but its body names nobody who could be known again: lane, natural_key, content."
    return "pass", "record, if it must go on while the server is away? Not what competes for live capacity."


def _recorded(operation: Operation, key: Sequence[str], all_: Sequence[Operation]) -> Iterator[str]:
    person = [name for name in key if _PERSON.search(name)]
    lane = person or list(key)
    content = [name for name in operation.body if name not in key and _FIELD.fullmatch(name)]
    yield from _ask("whom does it concern? Always the same text for the same person.", "    ")
    yield f"    lane: {_quoted(_text(lane[0]) if len(lane) == 1 else f'join({_BAR}, [{_texts(lane)}])')}"
    yield from _ask("what makes two requests the same fact? Nothing more and nothing less.", "    ")
    yield f"    natural_key: {_quoted(f'[{_texts(key)}]')}"
    yield from _ask("what must not differ between two requests of one fact?", "    ")
    yield f"    content: {json.dumps(content or list(key))}"
    if person:
        yield from _ask("where else may a provisional id stand?", "    ")
        yield f"    slots: [body.{person[0]}]"
    issued = next((name for name in operation.answer if _ID.search(name)), None)
    if issued is not None and not person:
        yield from _ask(
            f"does the server make up the person's id? Then issues: {{id: text(body.{issued})}}, and a look_up with an id.", "    "
        )
    yield from _ask("receipt: what does the desks' software expect of a success? Without one it gets a 202 and JSON of ours.", "    ")
    reads = [one.path for one in all_ if one.method == "GET" and one.query and _RECORDED.search(one.words)][:3]
    hint = f"Perhaps {', '.join(reads)}." if reads else "The description has no search that looks like it."
    yield from _ask(f"look_up: how is the server asked whether it has it? Without, a lost answer waits for a person. {hint}", "    ")


def _seems_recorded(operation: Operation) -> bool:
    return operation.method in ("POST", "PUT") and bool(_RECORDED.search(operation.words)) and not _LIVE.search(operation.words)


def _key(operation: Operation) -> list[str]:
    """Return the members that may make the fact; none where nobody could be told by them."""
    person = _found(_PERSON, operation)[:1]
    if person:
        return [*person, *_found(_DOSE, operation)[:1]]
    return _found(_NAME, operation)


def _found(pattern: Pattern[str], operation: Operation) -> list[str]:
    return [name for name in operation.body if pattern.search(name) and _MEMBER.fullmatch(name)]


def _text(name: str) -> str:
    return f"text(body.{name})"


def _texts(names: Iterable[str]) -> str:
    return ", ".join(map(_text, names))


def _quoted(text: str) -> str:
    # YAML takes no control characters, not even escaped as JSON has them.
    return json.dumps("".join(letter if letter.isprintable() else " " for letter in text), ensure_ascii=False)


def _breadth(operation: Operation) -> tuple[bool, ...]:
    """Sort the narrower template before the wider."""
    return tuple(is_parameter(segment) for segment in operation.path.split("/"))


def _clash(earlier: Operation, later: Operation) -> bool:
    if earlier.method != later.method:
        return False
    if earlier.path == later.path:
        return True
    both = is_template(earlier.path) and is_template(later.path) and overlap(earlier.path, later.path)
    return both and not (covers(later.path, earlier.path) and not covers(earlier.path, later.path))


def _name(title: str) -> str:
    words = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in title.lower())
    return "-".join(part for part in words.split("-") if part) or "drafted"
