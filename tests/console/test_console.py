"""The console in a real browser, before a real sidecar and a server that keeps a ledger: a bad day from its beginning to its end."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from simulator import Simulator
from tests.cli.centre import Centre, Service, a_centre
from tests.cli.held import post
from tests.console.browser import Page, a_browser, needs_chromium
from tests.traffic.centre import VACCINATE, a_dose, doses_applied, people

pytestmark = [needs_chromium, pytest.mark.timeout(120)]

NO_BATCH = "SPILT!"
"""The server refuses it, when it is replayed."""

HOSTILE = "<img src=x onerror=\"document.title='owned'\"> \u202egnissim\u2066 \u0000\u200f" + "LONG" * 400

KEEP = "void (window.saved = [], URL.createObjectURL = blob => (saved.push(new Response(blob).text()), 'data:,'))"
SAVED = "new Promise(seen => { const look = () => %d in saved ? seen(saved.at(-1)) : requestAnimationFrame(look); look() })"
"""What the page would have written to a file."""

BANNER = "(Object.assign(app.now, {can_record: false, state: '%s'}), showState(), document.getElementById('state'))"
"""The banner, where the journal takes nothing."""

VIEWS = ("now", "held", "record/4", "records?state=delivered", "outages", "send", "audit")


@pytest.fixture
async def sim() -> AsyncIterator[Simulator]:
    async with Simulator(seed=7, people=30) as running:
        yield running


@pytest.fixture
async def centre(tmp_path: Path, sim: Simulator) -> AsyncIterator[Centre]:
    async with a_centre(tmp_path, f"{sim.url}/api") as made:
        yield made


@pytest.fixture
async def page(tmp_path: Path) -> AsyncIterator[Page]:
    async with a_browser(tmp_path / "browser") as opened:
        yield opened


async def a_bad_day(centre: Centre, sim: Simulator, service: Service, batches: list[str]) -> list[str]:
    """Record a dose of each batch while the server is down, then let it come back; return the persons."""
    chosen = people(sim)[: len(batches)]
    fault = await sim.faults.add("refuse")
    await service.logged("outage_began", group="vaccinator")
    for person, batch in zip(chosen, batches, strict=True):
        await post(centre, VACCINATE, a_dose(person) | {"vaccine_batch": batch})
    await sim.faults.lift(fault)
    if refused := batches.count(NO_BATCH):
        await service.logged("settle", refused, state="held")
    return chosen


async def audit(centre: Centre) -> list[tuple[str, str, str, int | None]]:
    async with centre.desk.get(f"{centre.admin_url}/api/audit") as answer:
        return [(entry["by"], entry["action"], entry["reason"], entry["record"]) for entry in await answer.json()]


PALE = """(() => {
  const parts = colour => colour.match(/[\\d.]+/g).map(Number)
  const light = colour => parts(colour).slice(0, 3).map(part => part / 255)
    .map(part => part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
    .reduce((sum, part, place) => sum + part * [0.2126, 0.7152, 0.0722][place], 0)
  const behind = each => parts(getComputedStyle(each).backgroundColor)[3] !== 0 || each === document.documentElement
    ? getComputedStyle(each).backgroundColor : behind(each.parentElement)
  const contrast = each => {
    const [dark, bright] = [light(getComputedStyle(each).color), light(behind(each))].sort((one, other) => one - other)
    return (bright + 0.05) / (dark + 0.05)
  }
  const written = each => [...each.childNodes].some(node => node.nodeType === 3 && node.data.trim())
  return [...document.querySelectorAll("body *")].filter(each => each.getClientRects().length && !each.disabled && written(each))
    .filter(each => contrast(each) < 4.5).map(each => each.outerHTML)
})()"""
"""What is written with less contrast than WCAG 2.2, 1.4.3 wants (AA)."""


async def fits(page: Page) -> None:
    """Nothing is wider than the screen, what can be touched is as large as a finger, and all can be read in the sun."""
    width = await page.run("document.documentElement.scrollWidth")
    assert width <= 360, await page.run("location.hash")
    small = await page.run(
        "[...document.querySelectorAll('button, nav a, .rows > a, .button, summary, input:not([type=checkbox]), select')]"
        ".filter(each => each.offsetParent && each.getBoundingClientRect().height < 44).map(each => each.outerHTML)"
    )
    assert (small, await page.run(PALE)) == ([], [])


async def english_left(page: Page) -> list[str]:
    """Latin words that can be read, but for what comes from data or is said to be English."""
    words: list[str] = await page.run(
        """(() => {
          const words = []
          const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
          while (walk.nextNode()) {
            const holder = walk.currentNode.parentElement
            if (!holder.closest("bdi, code, noscript, select, script, [lang=en]")) words.push(walk.currentNode.data)
          }
          document.querySelectorAll("[aria-label], option").forEach(each => words.push(each.getAttribute("aria-label") || each.text))
          return words.concat(document.title)
        })()"""
    )
    known = {"dosekeeper", "reference", "admin", "token_file", "vaccinate", "register", "schedule", "onspot"}
    return [word for text in words for word in re.findall(r"[A-Za-z_]{2,}", text) if word not in known]


async def test_a_bad_day_from_its_beginning_to_its_end(centre: Centre, sim: Simulator, page: Page) -> None:
    async with centre.serving():
        await page.open(f"{centre.admin_url}/")
        await page.reads("Server up", "#state")
        await page.reads("Everything is confirmed", "#view")

        fault = await sim.faults.add("refuse")
        await page.reads("Server down", "#state")
        wrong, right = people(sim)[:2]
        await post(centre, VACCINATE, a_dose(wrong) | {"vaccine_batch": NO_BATCH})
        await post(centre, VACCINATE, a_dose(right))
        await page.sees("document.querySelector('.figure b').innerText === '2'")
        await page.reads("2 the server", "#view")
        assert "Everything is confirmed" not in await page.run("document.body.innerText")
        began = await page.run("document.getElementById('since').innerText")
        await page.sees(f"document.getElementById('since').innerText !== {json.dumps(began)}")

        await sim.faults.lift(fault)
        await page.reads("Server up", "#state")
        await page.reads("1", "#held-count")
        await page.press("Needs a person")
        await page.reads("The server said no", "#view")
        await page.press("Open", "#view")
        await page.press("Number 1", "#view")
        await page.fill("[name=vaccine_batch]", "4121Z012")
        await page.fill("[open] [name=by]", "Asha Rana")
        await page.fill("[open] [name=reason]", "read from the vial")
        await page.press("Check the change")
        await page.reads(f'vaccine_batch: "{NO_BATCH}" → "4121Z012"')
        await page.press("Correct it and send it")
        await page.reads("Number 1: Done. confirmed by the server", "#followed")
        await page.reads("What it said before, version 1", "#view")
        await page.goes("now")
        await page.reads("Everything is confirmed", "#view")
        done = await audit(centre)
    assert sorted(doses_applied(sim)) == sorted([(wrong, 1), (right, 1)])
    assert done == [("Asha Rana", "edit", "read from the vial", 1)]
    assert (page.errors, {url.split("/")[2] for url in page.requests if not url.startswith("data:")}) == ([], {f"127.0.0.1:{centre.admin}"})


async def test_each_decision_has_a_name_and_none_is_taken_past_somebody_elses(centre: Centre, sim: Simulator, page: Page) -> None:
    async with centre.serving() as service:
        persons = await a_bad_day(centre, sim, service, [NO_BATCH] * 4)
        await page.open(f"{centre.admin_url}/#record/1")
        await page.press("Give it up", "#view")
        await page.fill("details:last-of-type [name=by]", "Asha Rana")
        await page.fill("details:last-of-type [name=reason]", "entered on paper")
        await page.press("Give it up", "details:last-of-type form")
        await page.reads("Number 1 will never be sent")
        assert await audit(centre) == []
        await page.press("Give it up", "details:last-of-type .warn")
        await page.reads("Number 1: Done. given up", "#followed")

        await page.goes("record/2")
        await page.press("The server has it", "#view")
        assert await page.run("document.querySelector('details:nth-of-type(3) [name=by]').value") == "Asha Rana"
        await page.fill("[name=reference]", "REF-7")
        await page.press("The server has it", "details:nth-of-type(3) form")
        await page.reads("Number 2: Done. confirmed by the server", "#followed")

        await page.goes("record/3")
        async with centre.desk.post(f"{centre.admin_url}/api/discard", json={"keys": ["3"], "by": "ravi", "reason": "twice"}) as answer:
            assert answer.status == 200
        await page.press("Try again", "#view")
        await page.press("Try again", "details:nth-of-type(2) form")
        await page.reads("Number 3: Not done: somebody has changed it meanwhile", "#followed")

        await page.goes("record/4")
        await page.press("Try again", "#view")
        await page.press("Try again", "details:nth-of-type(2) form")
        await page.reads("Number 4: Done. needs a person", "#followed")

        await page.goes("records?state=held")
        await page.reads("Number 4", "#view .rows")
        await page.fill("[name=person]", persons[1])
        await page.fill("#view select", "")
        await page.press("Look", "#view")
        await page.reads("Number 2", "#view .rows")
        for view in VIEWS:
            await page.goes(view)
            await fits(page)
        await page.reads("gave up · Number 1 · entered on paper", "#view")
        await page.press("Check that nothing was altered")
        await page.reads("Nothing was altered", "#view")
        done = await audit(centre)
    assert [act[:3] for act in done] == [
        ("Asha Rana", "discard", "entered on paper"),
        ("Asha Rana", "settle", ""),
        ("ravi", "discard", "twice"),
        ("Asha Rana", "retry", ""),
    ]
    assert (doses_applied(sim), page.errors) == ([], [])
    assert not any(person in url for person in persons for url in page.requests)


async def test_one_wrong_batch_is_corrected_in_all_that_have_it(centre: Centre, sim: Simulator, page: Page) -> None:
    async with centre.serving() as service:
        persons = await a_bad_day(centre, sim, service, [NO_BATCH, NO_BATCH, "LOST?", NO_BATCH])
        await service.logged("settle", 4, state="held")
        await page.open(f"{centre.admin_url}/#held")
        await page.press("Open", "#view")
        await page.press("Do one thing with all 4", "#view")
        await page.press("Correct one field", "#view")
        await page.sees("document.querySelector('details details select').options.length > 5")
        await page.fill("details details [name=by]", "Asha Rana")
        await page.fill("details details select", "dose")
        await page.fill("[name=value]", "first")
        await page.press("Check the change")
        await page.reads("That cannot be done as it was asked.", "#view [role=alert]")
        await page.fill("details details select", "vaccine_batch")
        await page.fill("[name=value]", "4121Z012")
        await page.press("Check the change")
        await page.reads("It would be changed in 4 of them:")
        await page.reads(f'"{NO_BATCH}" → "4121Z012"\n\n"LOST?" → "4121Z012"')
        assert await audit(centre) == []
        await fits(page)
        await page.press("Correct it and send it")
        await page.reads("Done: 4 of 4.", "#followed")
        await page.reads("Nothing needs a person.", "#view")
    assert sorted(doses_applied(sim)) == sorted((person, 1) for person in persons)
    assert [error for error in page.errors if "status of 400" not in error] == [], "those are of the number that was no number"


async def test_many_at_once_in_hindi_whatever_their_records_say(centre: Centre, sim: Simulator, page: Page) -> None:
    async with centre.serving() as service:
        await a_bad_day(centre, sim, service, [NO_BATCH, NO_BATCH, HOSTILE])
        await service.logged("settle", 3, state="held")
        await page.open(f"{centre.admin_url}/")
        await page.reads("Server up", "#state")
        await page.press("हिन्दी")
        await page.reads("सर्वर चल रहा है", "#state")

        await page.goes("record/3")
        await page.fill("[open] [name=by]", "<b>Asha</b>")
        await page.fill("[name=vaccinator_name]", HOSTILE)
        await page.press("बदलाव देखें")
        await page.reads("अब से इसमें यह लिखा होगा", "#view")
        assert await english_left(page) == []
        await fits(page)

        await page.goes("held")
        await page.press("खोलें", "#view")
        await page.press("सभी 3 के साथ", "#view")
        await page.fill("details select", "discard")
        await page.fill("details [name=reason]", HOSTILE[:500])
        await page.press("दिखाएं कि ये कितने हैं")
        await page.reads("रिकॉर्ड: 3, व्यक्ति: 3। छोड़ दें", "details")
        assert await audit(centre) == []
        await page.press("हां, करें")
        await page.reads("हो गए: 3 में से 3।", "#followed")
        await page.reads("कुछ भी निर्णय के लिए नहीं रुका है", "#view")

        for view in ("now", "held", "record/3", "records?state=discarded", "outages", "send", "audit"):
            await page.goes(view)
            assert await english_left(page) == [], view
            await fits(page)
        assert await page.run("document.querySelector('.rows bdi').textContent") == "<b>Asha</b>"
        assert await page.run("document.querySelectorAll('main img, main bdi *').length") == 0
        await page.reload()
        await page.reads("सर्वर चल रहा है", "#state")
        acts = {act[:3] for act in await audit(centre)}
    assert acts == {("<b>Asha</b>", "discard", HOSTILE[:500])}
    assert (doses_applied(sim), page.errors) == ([], [])


async def test_sending_is_held_and_let_go_and_what_goes_elsewhere_is_saved(centre: Centre, sim: Simulator, page: Page) -> None:
    async with centre.serving():
        person = people(sim)[0]
        await page.open(f"{centre.admin_url}/#send")
        await page.reads("Send or hold", "#view h2")
        await page.fill("#view [name=by]", "Asha Rana")
        await page.fill("#view [name=reason]", "maintenance at noon")
        await page.press("Hold back", "#view")
        await page.reads("Sending on hold", "#state")
        assert await centre.vaccinate(person) == 200
        await page.goes("now")
        await page.reads("1 the end of the hold", "#view")
        await page.goes("send")
        await page.run(KEEP)

        await page.press("Save the paper register")
        await page.press("Yes, do it")
        register = await page.run(SAVED % 0)
        assert register.splitlines()[0].startswith("number,recorded_at,")
        assert register.splitlines()[1].startswith("1,")
        assert person in register

        await page.press("End the hold")
        await page.reads("Server up", "#state")
        await page.reads("For a planned maintenance", "#view")
        await page.press("Send now")
        await page.reads("Over: ", "#view")
        await page.goes("now")
        await page.reads("Everything is confirmed", "#view")
        await page.goes("outages")
        await page.reads("maintenance", "#view section")
        assert await page.run("document.querySelectorAll('#view svg .k-planned').length") >= 1
        await page.press("Save the report")
        report = await page.run(SAVED % 1)
        assert "When the national server could not be reached" in report
    assert (doses_applied(sim), page.errors) == ([(person, 1)], [])


async def test_the_token_is_asked_for_once_and_can_be_forgotten(centre: Centre, tmp_path: Path, page: Page) -> None:
    (tmp_path / "token").write_text("correct horse\n")
    (tmp_path / "token").chmod(0o600)
    async with centre.serving(DOSEKEEPER_ADMIN__TOKEN_FILE=str(tmp_path / "token")):
        await page.open(f"{centre.admin_url}/")
        await page.reads("This centre's console asks for its token", "#token")
        assert await page.run("document.getElementById('view').innerText") == ""
        await page.fill("#token-field", "battery staple")
        await page.press("Go on")
        await page.reads("That is not this centre's token", "#token")
        await page.fill("#token-field", "correct horse")
        await page.press("Go on")
        await page.reads("Server up", "#state")
        await page.reload()
        await page.reads("Server up", "#state")
        await page.press("Forget the token")
        await page.reads("This centre's console asks for its token", "#token")
        assert await page.run("[document.getElementById('view').innerText, sessionStorage.length, document.cookie]") == ["", 0, ""]
        await page.send("Emulation.setUserAgentOverride", userAgent="a tablet", acceptLanguage="hi-IN")
        await page.reload()
        await page.reads("इस केंद्र का कंसोल टोकन मांगता है", "#token")
    assert "correct horse" not in " ".join(page.requests)


async def test_when_the_sidecar_is_gone_the_page_says_so_and_comes_back_by_itself(centre: Centre, page: Page) -> None:
    async with centre.serving() as service:
        await page.open(f"{centre.admin_url}/")
        await page.reads("Server up", "#state")
        service.process.kill()
        await page.reads("No answer from dosekeeper", "#state")
        assert re.match(r"since \d\d:\d\d\. ", await page.run("document.getElementById('since').innerText"))
        assert "confirmed" not in await page.run("document.body.innerText")
        assert await page.run("document.getElementById('tabs').hidden")
    async with centre.serving():
        await page.reads("Server up", "#state")
        await page.reads("Everything is confirmed", "#view")
        for state, told in (("up", "This computer keeps no doses"), ("down", "Not recording: use paper")):
            assert await page.run(f"{BANNER % state}.innerText") == told
