"""Kinds of value that people write in a document: durations, sizes, paths, header values."""

from __future__ import annotations

import re
from collections.abc import Callable, Sized
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Final, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, PlainValidator, ValidationInfo, WithJsonSchema

C = TypeVar("C", bound=Sized)

_SECONDS: Final = {"ms": 0.001, "s": 1, "m": 60, "h": 3_600, "d": 86_400}
_BYTES: Final = {"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
# Nine digits: more is a slip of the finger, and keeps every product exact in a float.
_DURATION: Final = re.compile(r"([0-9]{1,9})(ms|s|m|h|d)")
_SIZE: Final = re.compile(r"([0-9]{1,9})(KiB|MiB|GiB)")
_FIELD_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_FILE_SUFFIXES: Final = (".yaml", ".yml", ".json")


def seconds(text: str) -> float:
    """Read a duration as people write it: a whole number and one of ms, s, m, h, d. Raises ValueError otherwise."""
    if match := _DURATION.fullmatch(text):
        amount, unit = int(match[1]), match[2]
        return amount / 1000 if unit == "ms" else float(amount * _SECONDS[unit])
    message = f'"{text}" is no duration; write a whole number and a unit, such as 500ms, 3s, 5m, 1h or 30d'
    raise ValueError(message)


def duration(length_s: float) -> str:
    """Write *length_s* in the largest unit that leaves a whole number; the inverse of `seconds`."""
    for unit in ("d", "h", "m", "s"):
        if length_s and length_s % _SECONDS[unit] == 0:
            return f"{int(length_s // _SECONDS[unit])}{unit}"
    return f"{round(length_s * 1000)}ms" if length_s else "0s"


def size(text: str) -> int:
    """Read a size as people write it: a whole number and one of KiB, MiB, GiB. Returns bytes; raises ValueError otherwise."""
    if match := _SIZE.fullmatch(text):
        return int(match[1]) * _BYTES[match[2]]
    message = f'"{text}" is no size; write a whole number and a unit, such as 512KiB, 64MiB or 1GiB'
    raise ValueError(message)


def _from_text(read: Callable[[str], float]) -> Callable[[object], object]:
    def validate(value: object) -> object:
        return read(value if isinstance(value, str) else str(value))

    return validate


def _no_truth_value(value: object) -> object:
    # pydantic would take true for 1
    if isinstance(value, bool):
        message = f"must be a whole number, not {str(value).lower()}"
        raise ValueError(message)  # noqa: TRY004 - pydantic reports ValueErrors only
    return value


def rebased(path: Path, info: ValidationInfo) -> Path:
    """Return *path*, a relative one from the folder that the validation's context calls `base`."""
    base: Path = (info.context or {}).get("base", Path())
    return base / path


def is_file_name(profile: str) -> bool:
    """Whether *profile* is the path of a file, not the name of a shipped profile: it ends in .yaml, .yml or .json."""
    return profile.lower().endswith(_FILE_SUFFIXES)


def matching(pattern: str, words: str) -> Callable[[str], str]:
    """Return a validator that wants text to match *pattern* in full, and says it in *words*."""
    compiled = re.compile(pattern)

    def validate(text: str) -> str:
        if compiled.fullmatch(text):
            return text
        message = f'"{text}" must be {words}'
        raise ValueError(message)

    return validate


def not_empty(value: C) -> C:
    """
    Return *value*; raises ValueError when there is nothing in it.

    Not pydantic's own min_length, which counts only the items that are right and so adds a complaint of its own to theirs.
    """
    if not value:
        message = "must not be empty"
        raise ValueError(message)
    return value


Whole = Annotated[int, BeforeValidator(_no_truth_value)]
"""A whole number."""

Duration = Annotated[
    float,
    BeforeValidator(_from_text(seconds)),
    PlainSerializer(duration),
    WithJsonSchema({"type": "string", "pattern": f"^{_DURATION.pattern}$"}),
]
"""Seconds, written `500ms`, `3s`, `5m`, `1h`, `30d`."""

PositiveDuration = Annotated[Duration, Field(gt=0)]
"""A duration above 0s."""

Size = Annotated[int, BeforeValidator(_from_text(size))]
"""Bytes, written `512KiB`, `64MiB`, `1GiB`."""

FilePath = Annotated[Path, AfterValidator(rebased)]
"""A path; a relative one starts at the folder of the file that names it."""

FieldName = Annotated[str, AfterValidator(matching(_FIELD_NAME.pattern, "the name of a header field (RFC 9110 §5.1)"))]
"""The name of an HTTP header field."""


@dataclass(frozen=True, slots=True)
class FromText:
    """A header value written down; it may be a secret, so it is not in the repr."""

    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class FromFile:
    """A header value that is the content of a file."""

    path: Path


@dataclass(frozen=True, slots=True)
class FromEnvironment:
    """A header value that is the content of an environment variable."""

    name: str


def _header_source(value: object, info: ValidationInfo) -> FromText | FromFile | FromEnvironment:
    # The value may be a secret: no message repeats it.
    match value:
        case str() if value.isprintable():
            return FromText(value)
        case {"file": str(path), **rest} if not rest and path:
            return FromFile(rebased(Path(path), info))
        case {"env": str(name), **rest} if not rest and name.startswith("DOSEKEEPER_"):
            message = "a variable named DOSEKEEPER_… is read as a setting; give this one another name"
        case {"env": str(name), **rest} if not rest and name:
            return FromEnvironment(name)
        case _:
            message = "must be text (in quotes if it is a number), {file: PATH} or {env: NAME}"
    raise ValueError(message)


HeaderSource = Annotated[FromText | FromFile | FromEnvironment, PlainValidator(_header_source)]
"""Where a header's value comes from; read when it is needed, not here."""
