"""What to do about a held record, by its reason."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

LOOK: Final = "The server may have it. Have it asked: dosekeeper records retry NUMBER"

COMPARE: Final = "Look the person up on the server (its entry is not kept here), compare: dosekeeper records show NUMBER --body, then:"

SUGGESTIONS: Final[Mapping[str, str]] = {
    "refused": "The server said no. Correct what its code names: dosekeeper records edit NUMBER --set PATH=VALUE",
    "already_recorded": f"The server has such an entry, perhaps not ours. {COMPARE} dosekeeper records settle, or discard",
    "unknown": LOOK,
    "unavailable": LOOK,
    "impostor": LOOK,
    "interrupted": LOOK,
    "restored": LOOK,
    "poison": "The server fails on this record alone. Look what is odd in it: dosekeeper records show NUMBER --body",
    "damaged": "A part of it was lost on disk; it is not sent. Ask the desk, enter it by hand, then: dosekeeper records settle, or discard",
    "told-paper": "The desk was told to use paper. If it is not in the paper register: dosekeeper records retry NUMBER",
    "same-fact-as": "Two records say the same. Give the wrong one up: dosekeeper records discard NUMBER --reason TEXT",
    "delivered before its edit": "The server took it as it was before. Compare, then: dosekeeper records settle, or retry --i-have-looked",
    "provisional-id": "It names a person whose id cannot be replaced. Put the real id in: dosekeeper records edit NUMBER --set PATH=ID",
    "looked up: other content": f"The server has it otherwise. {COMPARE} dosekeeper records settle, edit or discard",
    "looked up": "The server's entries cannot be told apart. Look there yourself, then: dosekeeper records settle, or discard",
    "cannot be looked up": "Nobody but you can tell. Look on the server, then: dosekeeper records settle, or retry --i-have-looked",
    "swept": "The server had it and has it no longer. Look there yourself, then: dosekeeper records settle, or retry",
}
"""By how the reason begins; the longest that fits counts."""

OTHERWISE: Final = "Look at it: dosekeeper records show NUMBER"


def suggestion(reason: str) -> str:
    """Return what to do about records that are held for *reason*."""
    fitting = [words for words in SUGGESTIONS if reason.startswith(words)]
    return SUGGESTIONS[max(fitting, key=len)] if fitting else OTHERWISE
