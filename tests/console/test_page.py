"""The console's files: how they are served, to whom, and that their texts are whole in both languages."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import Final, get_args

import pytest
from hatchling.builders.wheel import WheelBuilder

from proxy.console.page import STRICT, page_files
from proxy.console.page_texts import TEXTS, texts
from proxy.console.problems import STATUSES
from proxy.operations.suggestions import SUGGESTIONS
from proxy.operations.waiting import Why
from proxy.rules.telling import Standing
from proxy.texts import LANGUAGES
from store.decisions import Obstacle
from store.file.standing import Why as Disk
from store.outages import Kind
from store.records import RecordState
from tests.architecture.source import ROOT
from tests.console.admin_port import TOKEN, AdminPort

FILES: Final = page_files()
HTML: Final = FILES["/"].content.decode()
SCRIPTS: Final = {path: file.content.decode() for path, file in FILES.items() if path.endswith(".js")}
CSS: Final = FILES["/console/console.css"].content.decode()


@pytest.mark.parametrize("path", [*FILES, "/console/texts"])
async def test_a_file_is_open_strict_and_asked_for_anew(make_port: object, path: str) -> None:
    port: AdminPort = await make_port(TOKEN)  # type: ignore[operator]
    async with port.http.get(port.url + path) as answer:
        assert (answer.status, dict(STRICT).items() <= dict(answer.headers).items()) == (200, True)
        if path in FILES:
            assert await answer.read() == FILES[path].content
            assert answer.headers["Content-Type"] == f"{FILES[path].kind}; charset=utf-8"
            async with port.http.get(port.url + path, headers={"If-None-Match": answer.headers["ETag"]}) as again:
                assert (again.status, again.headers["Content-Security-Policy"]) == (304, STRICT["Content-Security-Policy"])
    async with port.http.head(port.url + path) as answer:
        assert (answer.status, await answer.read()) == (200, b"")


def test_the_page_may_run_and_ask_nothing_but_its_own() -> None:
    policy = dict(part.split(" ", 1) for part in STRICT["Content-Security-Policy"].split("; "))
    assert policy == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "connect-src": "'self'",
        "img-src": "'self' data:",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }


@pytest.mark.parametrize("path", ["/console/now", "/console/report", "/console/nothing", "/index.html"])
async def test_what_tells_of_the_centre_asks_for_the_token(make_port: object, path: str) -> None:
    port: AdminPort = await make_port(TOKEN)  # type: ignore[operator]
    assert (await port.get(path))[0] == 401


@pytest.mark.parametrize("path", ["/", "/console/core.js", "/console/texts", "/console/now"])
async def test_without_a_token_a_foreign_name_is_refused(port: AdminPort, path: str) -> None:
    assert (await port.get(path, Host="evil.example:8481"))[0] == 403
    assert (await port.get(path))[0] == 200
    assert (await port.get(path, **{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}))[0] == 403


async def test_the_report_is_a_page_in_the_language_asked_for(port: AdminPort) -> None:
    async with port.http.get(f"{port.url}/console/report?lang=hi") as answer:
        assert (answer.status, "<html lang=hi>" in await answer.text()) == (200, True)
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'none';")
    assert (await port.get("/console/report?since=yesterday"))[0] == 400


async def test_how_it_stands_is_told_in_the_language_asked_for(port: AdminPort) -> None:
    async with port.http.get(f"{port.url}/console/now?lang=hi") as answer:
        now = await answer.json()
    assert now["tell"] == "राष्ट्रीय सर्वर चल रहा है।"
    assert (now["state"], now["disk"], now["status"]["all_confirmed"]) == ("up", {"why": "well", "doses": None}, True)
    await port.journal.close()
    assert (await port.get("/console/now"))[0] == 503


def named() -> tuple[set[str], set[str]]:
    """Return the names of texts that the page uses, and the beginnings of those that it puts together."""
    whole = set(re.findall(r'data-say="([^"]+)"', HTML))
    begun: set[str] = set()
    for script in SCRIPTS.values():
        whole |= set(re.findall(r'"([a-z]+\.[a-z-]+)"', script))
        begun |= set(re.findall(r'"((?!dosekeeper)[a-z]+\.)" \+', script))
        begun |= {f"{family}." for family in re.findall(r'(?:sayOf|beginning)\("([a-z]+)"', script)}
    return whole, begun


def test_every_text_that_is_used_is_there_and_every_one_that_is_there_is_used() -> None:
    whole, begun = named()
    assert whole - set(TEXTS) == set()
    assert [name for name in TEXTS if name not in whole and not name.startswith(tuple(begun))] == []
    assert [start for start in begun if not any(name.startswith(start) for name in TEXTS)] == []


@pytest.mark.parametrize(
    ("family", "things"),
    [
        ("state", {state.value for state in RecordState}),
        ("waits", {why.value for why in Why}),
        ("obstacle", {obstacle.value for obstacle in Obstacle}),
        ("disk", {disk.value for disk in Disk} - {"well"}),
        ("banner", {standing.value for standing in Standing} | {"paper", "unkept", "lost", "since", "lost-since"}),
        ("do", {"", *SUGGESTIONS}),
        ("why", {"", "needs log-in", *SUGGESTIONS}),
        ("kind", {"up", "unobserved", *get_args(Kind)}),
        ("trouble", {*STATUSES, "lost", "other"} - {"foreign-host", "foreign-page", "not-json"}),
    ],
)
def test_what_the_sidecar_calls_a_thing_has_its_words(family: str, things: set[str]) -> None:
    assert {name.partition(".")[2] for name in TEXTS if name.startswith(f"{family}.")} == things


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_every_text_is_translated(language: str) -> None:
    assert [name for name, words in texts(language).items() if words == TEXTS[name]] == []


FORBIDDEN: Final = r"innerHTML|outerHTML|insertAdjacent|document\.write|\beval\(|new Function|\.style\b|https?://(?!www\.w3\.org/2000/svg)"


def test_nothing_stands_in_the_page_that_its_policy_forbids() -> None:
    assert re.findall(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son\w+=|https?://(?!www\.w3\.org/2000/svg)", HTML) == []
    assert re.findall(r"url\(|@import", CSS) == []
    assert set(re.findall(r'(?:src|href)="(/[^"]+)"', HTML)) == set(FILES) - {"/"}
    assert {path: found for path, script in SCRIPTS.items() if (found := re.findall(FORBIDDEN, script))} == {}


NEWER: Final = (
    r"\?\.[a-zA-Z_(\[]|\?\?|catch \{|\{ \.\.\.|\|\|=|&&=|for await|import\(|AbortController|structuredClone"
    r"|\.(replaceChildren|replaceAll|flat|flatMap|fromEntries|at|matchAll|allSettled)\("
)
NEWER_STYLE: Final = r"(?<!grid-)\bgap:|:focus-visible|:is\(|:where\(|\binset:|clamp\(|min\(|aspect-ratio|overflow-wrap: anywhere"


def test_old_tablets_can_read_it() -> None:
    """They have Chromium 61: ES2017."""
    assert {path: found for path, script in SCRIPTS.items() if (found := re.findall(NEWER, script))} == {}
    assert re.findall(NEWER_STYLE, re.sub(r"/\*.*?\*/", "", CSS)) == []


def test_it_is_small() -> None:
    assert sum(len(file.content) for file in FILES.values()) < 60_000


def test_it_is_in_the_wheel(tmp_path: Path) -> None:
    (wheel,) = WheelBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"])
    with zipfile.ZipFile(wheel) as packed:
        inside = {name.rpartition("/")[2] for name in packed.namelist() if name.startswith("proxy/console/page/")}
    assert inside == {path.rpartition("/")[2] or "index.html" for path in FILES}
