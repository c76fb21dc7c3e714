"""docs/console.png, from the real page on a day with invented people: `python -m tests.console.picture` makes it anew."""

from __future__ import annotations

import asyncio
import base64
import tempfile
from pathlib import Path
from typing import Final

from proxy.traffic.clock import Clock
from simulator import Simulator
from store.file.lock import Role
from store.journal import open_journal
from store.outages import Seen
from tests.architecture.source import ROOT
from tests.cli.centre import Centre, Service, a_centre
from tests.cli.held import post
from tests.console.browser import Page, a_browser
from tests.traffic.centre import VACCINATE, a_dose, people

PICTURE: Final = ROOT / "docs" / "console.png"
SIZE: Final = (360, 760)
AGO_MS: Final = 41 * 60_000

TOGETHER: Final = """<!doctype html><style>body{margin:0;padding:14px;background:#8c98a6;display:flex;gap:14px}
img{border-radius:10px;width:360px}</style>%s"""


async def main() -> None:
    """Play the day, take the page three times, and write them side by side."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with (
            Simulator(seed=7, people=60) as sim,
            a_centre(folder, f"{sim.url}/api") as centre,
            a_browser(folder / "browser", *SIZE) as page,
        ):
            centre.change(lambda text: f'{text}centre: {{id: rudrapur-3, name: "CHC Rudrapur"}}\n')
            shots = await _shots(centre, sim, page)
            await page.open("about:blank")
            await page.size(14 + 3 * (SIZE[0] + 14), SIZE[1] + 28)
            images = "".join(f'<img src="data:image/png;base64,{base64.b64encode(shot).decode()}">' for shot in shots)
            tree = await page.send("Page.getFrameTree")
            await page.send("Page.setDocumentContent", frameId=tree["frameTree"]["frame"]["id"], html=TOGETHER % images)
            await page.sees("document.images.length === 3 && [...document.images].every(image => image.complete)")
            PICTURE.write_bytes(await page.picture())


async def _shots(centre: Centre, sim: Simulator, page: Page) -> list[bytes]:
    async with centre.serving() as service:
        for person in people(sim)[20:]:
            await centre.vaccinate(person)
        number = await _refused(centre, sim, service)
    await _an_outage_that_has_gone_on(centre)
    await sim.faults.add("refuse")
    async with centre.serving():
        await page.open(f"{centre.admin_url}/")
        await page.reads("Server down", "#state")
        for person in people(sim)[2:20]:
            await centre.vaccinate(person)
        await page.reads("18 the server", "#view", 30)
        now = await page.picture()
        await page.goes(f"record/{number}")
        await page.fill("[name=vaccine_batch]", "4121Z012")
        await page.fill("[open] [name=by]", "Asha Rana")
        await page.fill("[open] [name=reason]", "read from the vial")
        await page.press("Check the change")
        await page.reads("Correct it and send it")
        await page.run("document.querySelector('[open] .warn').scrollIntoView({block: 'end'})")
        record = await page.picture()
        await page.press("हिन्दी")
        await page.goes("now")
        await page.reads("18 सर्वर", "#view")
        return [now, record, await page.picture()]


async def _refused(centre: Centre, sim: Simulator, service: Service) -> int:
    fault = await sim.faults.add("refuse")
    await service.logged("outage_began", group="vaccinator")
    await post(centre, VACCINATE, a_dose(people(sim)[0]) | {"vaccine_batch": "4121Z"})
    await sim.faults.lift(fault)
    number: int = (await service.logged("settle", state="held"))["number"]
    await service.logged("outage_ended", group="vaccinator")
    return number


async def _an_outage_that_has_gone_on(centre: Centre) -> None:
    journal = await open_journal(centre.folder / "data" / "journal.db", centre.folder / "data" / "journal.key", {}, Role.CLI)
    now = Clock().stamp()
    began = now.wall - AGO_MS
    await journal.open_outage(
        "vaccinator", began, began, "refused", "upstream", Seen(began, began, now.boot_id, now.boot_s - AGO_MS / 1000)
    )
    await journal.close()


if __name__ == "__main__":
    asyncio.run(main())
