"""The table at the end."""

from __future__ import annotations

from collections.abc import Iterator

from simulator.demo.result import Limits, Result


def table(result: Result, limits: Limits) -> str:
    """Return the figures, and which guarantee is broken, if any is."""
    rows = list(_rows(result, limits))
    width = max(len(name) for name, _ in rows)
    figures = [f"  {name:<{width}}   {value}" for name, value in rows]
    return "\n".join(("Judged by the server's own ledger:", "", *figures, "", *_verdict(result)))


def _rows(result: Result, limits: Limits) -> Iterator[tuple[str, str]]:
    yield "walk-ins registered", f"{result.walk_ins}, {result.walk_ins_provisional} of them under a provisional id"
    yield "doses given", str(result.doses_given)
    yield "given while the server was down", str(result.given_in_outage)
    yield "double taps at the desks", str(result.double_taps)
    yield "longest wait at a desk", f"{result.longest_wait_s:.1f} s (at most {limits.wait_s:.1f} s)"
    yield "could not be recorded", str(sum(result.not_recorded.values()))
    yield "lost", str(result.lost)
    yield "doses taken on twice", str(result.twice)
    yield "registrations made twice", str(result.registered_twice)
    yield "under a wrong person", str(result.wrong_person)
    yield "out of order", str(result.out_of_order)
    yield "provisional ids leaked", str(result.ids_leaked)
    yield "answers lost", f"{result.answers_lost}, {result.never_known} of them never known to have taken effect"
    yield "repaired by a person", str(result.repaired)
    yield "held for a person to decide", _held(result)
    yield "still to be sent", str(result.waiting)
    yield "outage, true", f"{result.outage_true_s:.1f} s"
    yield "outage, as the sidecar measured it", f"{result.outage_measured_s:.1f} s"
    yield "all sent, after the server's return", "no" if result.drained_after_s is None else f"{result.drained_after_s:.1f} s"


def _held(result: Result) -> str:
    behind = f", {result.behind_held} more wait behind them" if result.behind_held else ""
    return f"{result.held}{behind}"


def _verdict(result: Result) -> Iterator[str]:
    if not result.broken:
        yield "Every guarantee was kept."
    for sentence in result.broken:
        yield f"BROKEN  {sentence}."
