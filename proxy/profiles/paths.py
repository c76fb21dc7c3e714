"""Path templates of routes: `/v2/admin/location/districts/{state_id}`, `/v2/auth/**`."""

from __future__ import annotations

import re
from typing import Final

REST: Final = "**"
"""Stands for the rest of a path, from no segment to many; only at the end."""

_PARAMETER: Final = re.compile(r"\{[A-Za-z_][A-Za-z0-9_]*\}")
_LITERAL: Final = re.compile(r"(?:[A-Za-z0-9._~!$&'()+,;=:@-]|%[0-9A-Fa-f]{2})*")


def checked_path(path: str) -> str:
    """Return *path*; raises ValueError when it is no template."""
    if not path.startswith("/"):
        message = f'"{path}" must begin with /'
        raise ValueError(message)
    segments = path.split("/")[1:]
    for index, segment in enumerate(segments):
        if problem := _problem_with(segment, last=index == len(segments) - 1):
            raise ValueError(problem)
    names = [segment for segment in segments if is_parameter(segment)]
    if len(set(names)) < len(names):
        message = f'"{path}" has two parameters of one name'
        raise ValueError(message)
    return path


def _problem_with(segment: str, *, last: bool) -> str | None:
    if segment == REST:
        return None if last else "** must be the last segment"
    if is_parameter(segment) or _LITERAL.fullmatch(segment):
        return None
    return f'"{segment}" is no segment of a path; it is plain text, or {{name}} for a whole segment, or ** for the rest'


def is_parameter(segment: str) -> bool:
    """Whether *segment* stands for any one segment."""
    return _PARAMETER.fullmatch(segment) is not None


def is_template(path: str) -> bool:
    """Whether *path* stands for more than itself."""
    return any(segment == REST or is_parameter(segment) for segment in path.split("/"))


def overlap(one: str, other: str) -> bool:
    """Whether some path fits both."""
    left, right = one.split("/"), other.split("/")
    for mine, theirs in zip(left, right, strict=False):
        if REST in (mine, theirs):
            return True
        if mine != theirs and not is_parameter(mine) and not is_parameter(theirs):
            return False
    rest = max(left, right, key=len)[min(len(left), len(right)) :]
    return rest in ([], [REST])


def covers(wide: str, narrow: str) -> bool:
    """Whether every path that fits *narrow* fits *wide*."""
    left, right = wide.split("/"), narrow.split("/")
    for index, segment in enumerate(left):
        if segment == REST:
            return True
        if index >= len(right) or right[index] == REST:
            return False
        if segment != right[index] and not is_parameter(segment):
            return False
    return len(left) == len(right)
