"""docs/metrics.md, made from what the code says of its metrics; `python -m proxy.console.metrics_page` writes it anew."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from proxy.operations.durable_metrics import DURABLE
from proxy.traffic.described import Described
from proxy.traffic.process_metrics import PROCESS

PAGE_FILE: Final = Path(__file__).parents[2] / "docs" / "metrics.md"

HEAD: Final = """\
# Metrics

Made from the code: `python -m proxy.console.metrics_page`; a test holds it equal. What is made of them is in `deploy/`.

## Where they are

| where | for whom |
|---|---|
| `http://127.0.0.1:8481/metrics`, the admin port | a Prometheus or an agent on the same machine |
| a port of their own (`metrics` in config.yaml), with nothing else on it | a Prometheus on another machine; token and TLS |
| `dosekeeper metrics --textfile FILE.prom` | a centre that cannot be scraped: node_exporter's textfile collector |
| `dosekeeper metrics` | a look |

OpenMetrics is given to who asks for it. All times are Unix seconds, all durations seconds, all sizes bytes. A time stamp with nothing to
tell is absent, never 0. No label holds anything of a person, a URL or an error's text; each has a fixed set of values, or the profile's.

If the journal cannot be read within five seconds, the scrape has what the process itself counted, and
`dosekeeper_journal_read_errors_total` rises. It is never an error 500.

"""

DURABLE_HEAD: Final = """\
## From the journal

Read in one transaction for each scrape, so that they agree with each other. They survive restarts and kill -9, and the counters never
fall. A journal that was put back from a copy, or was damaged, begins with what it has.

"""

PROCESS_HEAD: Final = """
## Of the process

Counted in memory; at 0 after a start, as `rate()` and `increase()` expect.

"""

HOURS: Final = """
## Whether a silent centre ought to be open

`centre.hours` is told as two series for each span, which stay true when the centre falls silent: when it last began, and how long it is.
Hours come again every week, so this has a value while the centre ought to be open, and none otherwise:

```
count by (instance) (
  (time() - last_over_time(dosekeeper_centre_hours_start_timestamp_seconds[30d])) % 604800
    < last_over_time(dosekeeper_centre_hours_seconds[30d])
)
```

A centre that has told no hours is not in it. For alerts of a centre that does speak there is `dosekeeper_centre_open`. (Where clocks
are put forward or back, the hours of a silent centre are off by that hour until it speaks again.)
"""

COLUMNS: Final = "| metric | type | labels | means | what to do with it |\n|---|---|---|---|---|\n"


def page() -> str:
    """Return the page."""
    return HEAD + DURABLE_HEAD + _table(DURABLE.values()) + PROCESS_HEAD + _table(PROCESS.values()) + HOURS


def _table(described: Iterable[Described]) -> str:
    return COLUMNS + "".join(_rows(described))


def _rows(described: Iterable[Described]) -> Iterator[str]:
    for each in described:
        labels = ", ".join(f"`{label}`" for label in each.labels)
        yield f"| `{each.full_name}` | {each.kind} | {labels} | {each.meaning} | {each.use} |\n"


if __name__ == "__main__":
    PAGE_FILE.write_text(page(), encoding="utf-8")
