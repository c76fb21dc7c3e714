"""What a header value or a secret is now, read from where the configuration says."""

from __future__ import annotations

import os
from typing import assert_never

from proxy.document.fields import FromEnvironment, FromFile, FromText, HeaderSource


def read_now(source: HeaderSource) -> str:
    """
    Return the value of *source* at this moment: one line.

    Raises:
        OSError: Its file cannot be read.
        ValueError: It is more than one line.
    """
    text = _read(source)
    if not text.isprintable():
        raise ValueError("a field value is one line")
    return text


def _read(source: HeaderSource) -> str:
    match source:
        case FromText(text):
            return text
        case FromEnvironment(name):
            return os.environ.get(name, "")
        case FromFile(path):
            return path.read_text().strip()
        case _:
            assert_never(source)
