"""The rows of the table, for the terminal and the page alike: what is new in the result gets its row here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

Figures = Mapping[str, Any]
"""A `Result` as it stands in the result file."""

NONE: Final = "–"


@dataclass(frozen=True, slots=True)
class Row:
    """
    One row: its name, and how it is told of one day's figures.

    `promised` says that it is to be 0; `kept_only` that it says nothing of a day without dosekeeper.
    """

    name: str
    told: Callable[[Figures], str]
    promised: bool = False
    kept_only: bool = False

    def without(self, figures: Figures) -> str:
        """Return it for the day without dosekeeper."""
        return NONE if self.kept_only else self.told(figures)


def _count(name: str) -> Callable[[Figures], str]:
    return lambda figures: str(figures[name])


def _seconds(name: str) -> Callable[[Figures], str]:
    return lambda figures: NONE if figures[name] is None else f"{figures[name]:.1f} s"


def _in_vain(figures: Figures) -> str:
    return str(sum(figures["not_recorded"].values()))


ROWS: Final = (
    Row("people who came", _count("came")),
    Row("doses given", _count("doses_given")),
    Row("second doses among them", _count("second_doses")),
    Row("given while the server was down", _count("given_in_outage")),
    Row("people sent home at closing time", _count("sent_home")),
    Row("longest wait at a desk", _seconds("longest_wait_s")),
    Row("walk-ins registered", _count("walk_ins")),
    Row("under a provisional id at first", _count("walk_ins_provisional"), kept_only=True),
    Row("desks asked in vain", _in_vain),
    Row("look-ups while the server was down", _count("look_ups_in_outage")),
    Row("of these, answered", _count("look_ups_answered_in_outage")),
    Row("age of what these showed, median", _seconds("look_up_age_median_s"), kept_only=True),
    Row("age of the oldest", _seconds("look_up_age_max_s"), kept_only=True),
    Row("look-ups without an answer, all day", _count("look_ups_in_vain")),
    Row("look-ups that showed something wrong", _count("look_ups_wrong"), promised=True),
    Row("lost", _count("lost"), promised=True),
    Row("doses taken on twice", _count("twice"), promised=True),
    Row("people registered twice", _count("registered_twice"), promised=True),
    Row("under a wrong person", _count("wrong_person"), promised=True),
    Row("out of order", _count("out_of_order"), promised=True),
    Row("provisional ids leaked", _count("ids_leaked"), promised=True, kept_only=True),
    Row("answers lost on the way", _count("answers_lost")),
    Row("never known to have taken effect", _count("never_known"), promised=True, kept_only=True),
    Row("double taps at the desks", _count("double_taps"), kept_only=True),
    Row("repaired by a person", _count("repaired"), kept_only=True),
    Row("held for a person to decide", _count("held"), promised=True, kept_only=True),
    Row("still to be sent", _count("waiting"), promised=True, kept_only=True),
    Row("sidecar killed, back after", lambda figures: f"{figures['dead_s']:.1f} s" if figures["dead_s"] else NONE, kept_only=True),
    Row("outage, true", _seconds("outage_true_s")),
    Row("outage, as measured", _seconds("outage_measured_s"), kept_only=True),
    Row("all sent, after the server's return", _seconds("drained_after_s"), kept_only=True),
)
