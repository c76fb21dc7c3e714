"""The table at the end, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from simulator.demo.rows import ROWS


def table(result: Mapping[str, Any]) -> str:
    """Return the figures of a result file, and which guarantee is broken, if any is."""
    rows = [("", "with dosekeeper", "without"), *_rows(result)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    figures = [f"  {name:<{widths[0]}}   {kept:>{widths[1]}}   {without:>{widths[2]}}" for name, kept, without in rows]
    return "\n".join(("Judged by the servers' own ledgers:", "", *figures, "", *_verdict(result)))


def _rows(result: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    kept, without = result["with"], result["without"]
    for row in ROWS:
        yield row.name, row.told(kept["all"]), row.without(without["all"])
    kept_most, most = (str(day["server"]["most_in_a_second"]) for day in (kept, without))
    yield f"most requests in a second after the return (it bears {result['day']['capacity']})", kept_most, most


def _verdict(result: Mapping[str, Any]) -> Iterator[str]:
    if not result["broken"]:
        yield "Every guarantee was kept."
    for sentence in result["broken"]:
        yield f"BROKEN  {sentence}."
