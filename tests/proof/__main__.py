"""
`python -m tests.proof [PART …]`: run what `make test` does in part in full, and bring docs/proof.md up to it.

Parts that are not named keep their row, which says of which commit it is. Exit code 1 where a part failed.
"""

from __future__ import annotations

import base64
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from xml.etree import ElementTree as ET

import store
from store.file.connection import sqlite_version

STATISTICS: Final = "hypothesis-statistics-"
"""Hypothesis reports what it did with each test as a property of this prefix: text in base64."""

ROOT: Final = Path(store.__file__).parents[1]
PAGE: Final = ROOT / "docs/proof.md"

HEAD: Final = """# What was proved, when, and on what

Written by `make proof`; do not edit. It runs in full what `make test` runs in part: every cut of the power instead of every twentieth, a
hundred kills instead of ten, all mutants. One part: `.venv/bin/python -m tests.proof mutants`; the others then keep their row.

- **cuts**: every write to the journal's files is traced; before each the power is cut, with nothing, all, a torn part or any sectors of
  what no sync had followed; what is left is opened. Nothing a desk or a person was told is missing, all is whole, the audit too.
- **kills**: `kill -9` under load, in an outage too, judged by the server's ledger; a start with a backlog; a kill around each commit.
- **flips**: bits flipped in the files. **disk**: EIO and ENOSPC in write and fsync, a full and a hanging disk; three times over.
- **clock**: a day ahead and two days back while it runs, and all that clocks do; three times over.
- **days**: days of random acts of desks, server, clock and crashes. **weeks**: two weeks of flapping in simulated time.
- **faults**: each fault of the simulator (docs/faults.md), and the mistakes of the field's systems.
- **mutants**: the product broken on purpose in twelve ways; each is caught by every test named for it, which else passes.

{machine}

| part | tests | figures | took | load | commit | when (UTC) |
|---|---|---|---|---|---|---|
"""


@dataclass(frozen=True, slots=True)
class Part:
    """What is run together, `times` over: where chance has a part, it is another run each time."""

    name: str
    paths: tuple[str, ...]
    times: int = 1


PARTS: Final = (
    Part("cuts", ("tests/proof/test_every_cut.py",)),
    Part(
        "kills",
        (
            "tests/system/test_kill.py",
            "tests/system/test_ready_again.py",
            "tests/store/test_crash.py",
            "tests/store/test_crash_at_every_verb.py",
        ),
    ),
    Part("flips", ("tests/system/test_bit_flips.py",)),
    Part("disk", ("tests/disk",), times=3),
    Part("clock", ("tests/system/test_faked_clock.py", "tests/traffic/test_clocks.py"), times=3),
    Part("days", ("tests/model/test_once_in_effect.py", "tests/store/test_claims.py")),
    Part("weeks", ("tests/model/test_two_weeks.py",)),
    Part("faults", ("tests/traffic/test_fault_table.py", "tests/traffic/test_each_fault.py", "tests/traffic/test_mistakes_of_others.py")),
    Part("mutants", ("tests/proof/test_mutants.py",)),
)


@dataclass(slots=True)
class Result:
    """What came of a part."""

    counts: Counter[str] = field(default_factory=Counter)
    figures: dict[str, str] = field(default_factory=dict)
    examples: int = 0

    @property
    def passed(self) -> bool:
        return self.counts["tests"] > 0 and not (self.counts["failures"] or self.counts["errors"])

    def add(self, report: Path) -> None:
        """Take over what pytest reports of one run."""
        for suite in ET.parse(report).getroot().iter("testsuite"):
            self.counts.update({name: int(suite.get(name, 0)) for name in ("tests", "failures", "errors", "skipped")})
            said = {each.get("name", ""): each.get("value", "") for each in suite.iter("property")}
            self.figures |= {name: value for name, value in said.items() if not name.startswith(STATISTICS)}
            self.examples += sum(_examples(value) for name, value in said.items() if name.startswith(STATISTICS))
        if self.examples:
            self.figures["drawn at random, examples"] = str(self.examples)

    def tests(self) -> str:
        """Return the outcome in a few words."""
        bad = self.counts["failures"] + self.counts["errors"]
        skipped = f", {self.counts['skipped']} skipped" if self.counts["skipped"] else ""
        return f"{self.counts['tests'] - bad - self.counts['skipped']} passed{skipped}" + (f", **{bad} FAILED**" if bad else "")


def _examples(statistics: str) -> int:
    return sum(map(int, re.findall(r"(\d+) passing", base64.b64decode(statistics).decode())))


def run(part: Part) -> Result:
    """Run a part and let pytest say on standard output how it goes."""
    result = Result()
    with tempfile.TemporaryDirectory(prefix="dosekeeper-proof-") as folder:
        report = Path(folder) / "report.xml"
        pytest = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-o", "junit_family=xunit1", f"--junitxml={report}"]
        for _ in range(part.times):
            report.unlink(missing_ok=True)
            subprocess.run([*pytest, *part.paths], cwd=ROOT, env={**os.environ, "HYPOTHESIS_PROFILE": "proof"}, check=False)
            if not report.exists():
                result.counts["errors"] += 1  # it did not come so far
            else:
                result.add(report)
    return result


def machine() -> str:
    """Return on what it is run."""
    info = Path("/proc/cpuinfo")
    models = (
        [line.partition(":")[2].strip() for line in info.read_text().splitlines() if line.startswith("model name")] if info.exists() else []
    )
    processor = models[0] if models else platform.processor() or platform.machine()
    python, system = platform.python_version(), f"{platform.system()} {platform.release()}"
    return f"Machine: {os.cpu_count()} × {processor}, {system}, Python {python}, SQLite {sqlite_version()}."


def commit() -> str:
    """Return the commit of this tree, and whether anything but the page differs from it."""
    git = ["git", "-C", str(ROOT)]
    name = subprocess.run([*git, "rev-parse", "--short=10", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()
    changed = subprocess.run(
        [*git, "status", "--porcelain", "--", ".", ":!docs/proof.md"], capture_output=True, text=True, check=True
    ).stdout
    return f"{name}, changed" if changed else name


def row(part: Part) -> tuple[str, bool]:
    """Run a part; return its row of the table, and whether it passed."""
    began_s, load, at = time.monotonic(), os.getloadavg()[0], datetime.now(UTC)
    result = run(part)
    took_s = time.monotonic() - began_s
    figures = "; ".join(f"{name}: {value}" for name, value in result.figures.items())
    cells = (part.name, result.tests(), figures, f"{took_s:.0f} s", f"{load:.1f}", commit(), f"{at:%Y-%m-%d %H:%M}")
    return f"| {' | '.join(cells)} |", result.passed


def kept_rows(here: str) -> dict[str, str]:
    """Return the rows that the page has, by part; none where they are another machine's."""
    text = PAGE.read_text() if PAGE.exists() else ""
    rows = [line for line in text.splitlines() if line.startswith("| ") and not line.startswith("| part")]
    return {line.split(" | ")[0].removeprefix("| "): line for line in rows} if here in text else {}


def main(names: list[str]) -> int:
    """Run the parts of these names, all without any."""
    if unknown := set(names) - {part.name for part in PARTS}:
        sys.stderr.write(f"There is no part {', '.join(sorted(unknown))}. The parts: {', '.join(part.name for part in PARTS)}\n")
        return 2
    here, passed = machine(), True
    rows = kept_rows(here)
    for part in PARTS:
        if names and part.name not in names:
            continue
        if missing := [path for path in part.paths if not (ROOT / path).exists()]:
            sys.stdout.write(f"\n== {part.name}: not run, this tree has no {', '.join(missing)}\n")
            continue
        sys.stdout.write(f"\n== {part.name}: {' '.join(part.paths)}\n")
        sys.stdout.flush()
        rows[part.name], well = row(part)
        passed &= well
        PAGE.write_text(HEAD.format(machine=here) + "".join(f"{rows[each.name]}\n" for each in PARTS if each.name in rows))
    sys.stdout.write(f"\n{PAGE.read_text()}")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
