"""Why an operation does not do what was asked; each text is for the person who asked."""

from __future__ import annotations


class Unfit(Exception):
    """What was asked cannot be done as it was asked; the text says what is wrong and what to do instead."""


class NotThere(Exception):
    """What was asked for is not there; the text says where to look."""


class InTheWay(Exception):
    """What was asked cannot be done now; the text says what is in the way."""
