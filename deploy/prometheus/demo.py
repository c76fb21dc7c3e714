"""The demo, watched by a Prometheus: `make demo-prometheus`. Options are those of `dosekeeper demo`."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import urlopen

HERE: Final = Path(__file__).parent
BUILD: Final = HERE.parents[1] / "build" / "prometheus"
PORT: Final = os.environ.get("PROMETHEUS_PORT", "9090")
URL: Final = f"http://127.0.0.1:{PORT}"
READY_S: Final = 30

DOWN: Final = "sum(centre:dosekeeper_upstream_down:bool)"
WAITING: Final = "sum by (block) (centre:dosekeeper_unsent:last)"
ALERTS: Final = 'sum(ALERTS{alertname="DosekeeperNationalOutage", alertstate="firing"})'


def main(options: Sequence[str]) -> int:
    """Play the day, say what Prometheus saw of it, and leave it running while somebody looks; 1 if it saw no outage."""
    if shutil.which("prometheus") is None:
        print("There is no prometheus here. Next: sudo apt install prometheus", file=sys.stderr)
        return 1
    shutil.rmtree(BUILD, ignore_errors=True)
    (BUILD / "rules").mkdir(parents=True)
    for file in (HERE / "rules").glob("*.yml"):
        (BUILD / "rules" / file.name).write_text(re.sub(r"(\n +for): .*", r"\1: 0s", file.read_text("utf-8")), "utf-8")
    where = (f"--config.file={HERE / 'demo.yml'}", f"--storage.tsdb.path={BUILD / 'data'}", f"--web.listen-address=127.0.0.1:{PORT}")
    with (BUILD / "log").open("wb") as log:
        prometheus = subprocess.Popen(["prometheus", *where], stdin=subprocess.DEVNULL, stdout=log, stderr=log)  # noqa: S603, S607 - Debian's
    try:
        if not _ready(prometheus):
            print(f"Prometheus did not start; {BUILD / 'log'} says why. Next: see whether port {PORT} is taken: ss -ltnp", file=sys.stderr)
            return 1
        began_s = time.time()
        demo = [sys.executable, "-m", "proxy", "demo", "--targets", str(BUILD / "targets.json"), *options]
        code = subprocess.run(demo, check=False).returncode  # noqa: S603 - our own
        return code or _told(prometheus, int(time.time() - began_s) + 2)
    except KeyboardInterrupt:
        return 130
    finally:
        prometheus.terminate()
        prometheus.wait()


def _told(prometheus: subprocess.Popen[bytes], range_s: int) -> int:
    """Say what was seen in the last seconds; stay while somebody sits before it."""
    most, seconds, fired = (
        int(_asked(query))
        for query in (
            f"max_over_time({DOWN}[{range_s}s:1s])",
            f"count_over_time(({DOWN} > 0)[{range_s}s:1s])",
            f"count_over_time({ALERTS}[{range_s}s:1s])",
        )
    )
    print(f"\nPrometheus saw {most} centres without the server at once, {seconds} s in all; DosekeeperNationalOutage fired for {fired} s.")
    graphs = {f"g{place}.{name}": value for place, expr in enumerate((DOWN, WAITING)) for name, value in _graph(expr, range_s).items()}
    print(f"Its graph: {URL}/graph?{urlencode(graphs)}")
    if sys.stdout.isatty():
        print("Ctrl-C ends it.")
        prometheus.wait()
    return 0 if most else 1


def _graph(expr: str, range_s: int) -> dict[str, str]:
    return {"expr": expr, "tab": "0", "stacked": "1", "range_input": f"{range_s}s", "step_input": "1"}


def _asked(query: str) -> float:
    """Return what a query comes to, 0 where it has no result."""
    with urlopen(f"{URL}/api/v1/query?{urlencode({'query': query})}", timeout=10) as answer:  # noqa: S310 - http, our own
        found = json.load(answer)["data"]["result"]
    return float(found[0]["value"][1]) if found else 0.0


def _ready(prometheus: subprocess.Popen[bytes]) -> bool:
    for _ in range(READY_S * 10):
        if prometheus.poll() is not None:
            return False
        try:
            with urlopen(f"{URL}/-/ready", timeout=1):  # noqa: S310 - http, our own
                return True
        except URLError:
            time.sleep(0.1)  # another process's state: it is asked for
    return False


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
