"""
Measures look-ups: from memory while the server is down, forwarded with and without remembering, and a memory of 100,000 answers.

`python -m bench.reads [down] [up] [large]` from the root; a table, then a line of JSON. The desks are a process of their own, all sockets.
`cpu_us` is processor time for one look-up, that of the simulated server in it while it is up: beside other work the less noisy figure.
"""

from __future__ import annotations

import asyncio
import json
import logging
import mmap
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

from aiohttp import web

from proxy.profiles.load import load_profile
from simulator import Simulator
from store.journal import Journal
from store.remembered import Remembered
from tests.traffic.centre import a_centre, people

FIND: Final = "/v2/vaccinator/beneficiaries/findByReferenceId?beneficiary_reference_id="
DESKS: Final = 8
LOOK_UPS: Final = 3_000
ANSWERS: Final = 100_000
ROUNDS: Final = 4
PATIENT: Final = {"answer_within": "3s"}
KEY: Final = bytes(range(32))


async def main() -> dict[str, Any]:
    """Measure all three, or the parts that are named."""
    parts = {"down": down, "up": up, "large": large}
    return {name: await parts[name]() for name in sys.argv[1:] or parts}


async def down() -> dict[str, Any]:
    """Look people up in an outage, and the same bytes from a handler that does nothing else."""
    async with Simulator(seed=11, people=400) as sim:
        with tempfile.TemporaryDirectory() as folder:
            async with a_centre(Path(folder), f"{sim.url}/api", answering=PATIENT) as centre:
                paths = [FIND + person for person in people(sim)[:200]]
                body = [(await centre.get(path)).body for path in paths][-1]
                await sim.faults.add("refuse")
                await centre.go_down()
                own = [await _desks(centre.url, paths) for _ in range(ROUNDS)]
                for person in people(sim)[:200]:
                    await centre.vaccinate(person)
                laid_over = [await _desks(centre.url, paths) for _ in range(ROUNDS)]
        bare = await _bare(body, paths)
    best = _best(own)
    return {
        "look_ups_per_s": best["rate"],
        "p99_ms": best["p99_ms"],
        "cpu_us": best["cpu_us"],
        "bare_per_s": bare["rate"],
        "bare_cpu_us": bare["cpu_us"],
        "of_bare": round(best["rate"] / bare["rate"], 2),
        "of_bare_by_cpu": round(bare["cpu_us"] / best["cpu_us"], 2),
        "laid_over_per_s": _best(laid_over)["rate"],
        "laid_over_p99_ms": _best(laid_over)["p99_ms"],
        "laid_over_cpu_us": _best(laid_over)["cpu_us"],
    }


async def up() -> dict[str, Any]:
    """Look people up while the server is up, remembering and not."""
    runs = {True: list[dict[str, float]](), False: list[dict[str, float]]()}
    for _ in range(ROUNDS):
        for remembering, found in runs.items():
            async with Simulator(seed=11, people=400) as sim:
                with tempfile.TemporaryDirectory() as folder:
                    profile = _profile(Path(folder), remembering=remembering)
                    async with a_centre(Path(folder), f"{sim.url}/api", profile, answering=PATIENT) as centre:
                        found.append(await _desks(centre.url, [FIND + person for person in people(sim)[:200]]))
    with_, without = _best(runs[True]), _best(runs[False])
    return {
        "remembering_per_s": with_["rate"],
        "not_remembering_per_s": without["rate"],
        "costs": f"{1 - with_['rate'] / without['rate']:.0%}",
        "remembering_cpu_us": with_["cpu_us"],
        "not_remembering_cpu_us": without["cpu_us"],
    }


async def large() -> dict[str, Any]:
    """Open a journal with and without 100,000 answers, and forward with it."""
    figures: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "journal.db"
        for answers in (0, ANSWERS):
            journal = await Journal.open(path, KEY)
            for at in range(0, answers, 500):
                await journal.remember([_an_answer(number) for number in range(at, at + 500)], [], 1 << 40, 1)
            await journal.close()
            before = _rss_mib()
            started = time.perf_counter()
            journal = await Journal.open(path, KEY)
            await journal.recall(_an_answer(4711).question)
            figures[f"open_with_{answers}_s"] = round(time.perf_counter() - started, 3)
            figures[f"rss_grew_with_{answers}_mib"] = round(_rss_mib() - before, 1)
            await journal.close()
    return figures


def _an_answer(number: int) -> Remembered:
    return Remembered(
        number.to_bytes(16), bytes(16), "", 200, "OK", b"Content-Type: application/json\r\n", bytes(600), 0, 1, "b", 1, 1 << 60
    )


def _profile(folder: Path, *, remembering: bool) -> str:
    if remembering:
        return "cowin-vaccinator"
    shipped = Path("proxy/profiles/cowin-vaccinator.yaml").read_text("utf-8")
    text = shipped.replace("    overlay: persons", "    remember: {max_stale: 0s}")  # nor is anything laid over
    (folder / "forgetful.yaml").write_text(text, "utf-8")
    load_profile("./forgetful.yaml", folder)
    return "./forgetful.yaml"


async def _bare(body: bytes, paths: list[str]) -> dict[str, float]:
    async def handle(_: web.Request) -> web.Response:
        return web.Response(body=body, content_type="application/json")

    app = web.Application()
    app.router.add_get("/{rest:.*}", handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        host, port = runner.addresses[0][:2]
        return _best([await _desks(f"http://{host}:{port}", paths) for _ in range(ROUNDS)])
    finally:
        await runner.cleanup()


def _best(runs: list[dict[str, float]]) -> dict[str, float]:
    """Return the best rate, and the least processor time, of several runs."""
    return max(runs, key=lambda run: run["rate"]) | {"cpu_us": min(run["cpu_us"] for run in runs)}


async def _desks(url: str, paths: list[str]) -> dict[str, float]:
    """Have a process of its own look people up; return its rate and p99, and what a look-up took of this process."""
    asked = json.dumps([url, paths]).encode()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.reads", "desks", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    before = time.process_time()
    out, _ = await process.communicate(asked)
    measured: dict[str, float] = json.loads(out)
    return measured | {"cpu_us": round((time.process_time() - before) / LOOK_UPS * 1e6, 1)}


async def _look_up(url: str, paths: list[str]) -> dict[str, float]:
    host, _, rest = url.removeprefix("http://").partition(":")
    port, _, prefix = rest.partition("/")
    waits: list[float] = []
    left = iter(range(LOOK_UPS))

    async def desk() -> None:
        reader, writer = await asyncio.open_connection(host, int(port))
        for number in left:
            target = f"{'/' + prefix if prefix else ''}{paths[number % len(paths)]}"
            started = time.perf_counter()
            writer.write(f"GET {target} HTTP/1.1\r\nHost: desk\r\n\r\n".encode())
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200"), head
            length = next(int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length"))
            await reader.readexactly(length)
            waits.append(time.perf_counter() - started)
        writer.close()

    started = time.perf_counter()
    await asyncio.gather(*(desk() for _ in range(DESKS)))
    took_s = time.perf_counter() - started
    return {"rate": round(LOOK_UPS / took_s), "p99_ms": round(sorted(waits)[int(len(waits) * 0.99)] * 1000, 1)}


def _rss_mib() -> float:
    """Return the resident memory; nothing where the system does not tell it like Linux."""
    statm = Path("/proc/self/statm")
    return int(statm.read_text().split()[1]) * mmap.PAGESIZE / (1 << 20) if statm.exists() else 0.0


if __name__ == "__main__":
    if sys.argv[1:] == ["desks"]:
        sys.stdout.write(json.dumps(asyncio.run(_look_up(*json.loads(sys.stdin.read())))))
        sys.exit()
    logging.disable(logging.ERROR)
    figures = asyncio.run(main())
    sys.stdout.write("\n".join(f"{part:6} {name:28} {value}" for part, values in figures.items() for name, value in values.items()))
    sys.stdout.write(f"\n{json.dumps(figures)}\n")
