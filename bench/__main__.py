"""
Measures everything: `python -m bench`, or `make bench`. A table, `bench/results.json`, `bench/results.svg`, and the table in RESULTS.md.

Each round measures every program once, one after another, so that what else the machine does falls on all of them; what is told is the
median of the rounds.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import tempfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from bench import million, recording, replaying, waits
from bench.figures import Figure, as_json, chart, table

HERE: Final = Path(__file__).parent
BEGIN, END = "<!-- figures: python -m bench -->", "<!-- end of figures -->"
PARTS: Final[dict[str, Callable[[Path, int], list[Figure]]]] = {
    "recording": recording.measure,
    "replaying": replaying.measure,
    "waits": waits.measure,
    "million": million.measure,
}


def machine() -> str:
    """Return what it was measured on, and when."""
    models = [line.partition(":")[2].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    load = " ".join(f"{value:.1f}" for value in os.getloadavg())
    return (
        f"{datetime.now(UTC):%d %B %Y %H:%M} UTC: {len(models)} × {models[0]}, {memory:.0f} GB, "
        f"{platform.system()} {platform.release().partition('-')[0]}, Python {platform.python_version()}; load average before {load}."
    )


def main(argv: Sequence[str] | None = None) -> None:
    """Measure what was asked for, and print it; keep it where all was."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=(__doc__ or "").strip().partition("\n")[0])
    parser.add_argument("part", nargs="*", choices=[[], *PARTS], help="only these (nothing is written then)")
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args(argv)
    if shutil.which("wrk") is None:
        raise SystemExit("wrk makes the load, and it is not here. Next: sudo apt install wrk")
    where, figures = machine(), list[Figure]()
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        for name in asked.part or PARTS:
            print(f"{name} ...", flush=True)
            (Path(folder) / name).mkdir()
            figures += PARTS[name](Path(folder) / name, asked.rounds)
    print(f"\n{table(figures)}\n\n{where}\n{json.dumps(as_json(figures))}")
    if not asked.part:
        _keep(figures, where)


def _keep(figures: Sequence[Figure], where: str) -> None:
    (HERE / "results.json").write_text(json.dumps({"machine": where, "figures": as_json(figures)}, indent=1) + "\n")
    (HERE / "results.svg").write_text(chart("Each against its yardstick (the grey bar); red: what was wanted", figures))
    results = HERE / "RESULTS.md"
    before, _, rest = results.read_text("utf-8").partition(BEGIN)
    results.write_text(f"{before}{BEGIN}\n{where}\n\n{table(figures)}\n{END}{rest.partition(END)[2]}", "utf-8")


if __name__ == "__main__":
    main()
