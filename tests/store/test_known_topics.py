from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from store import topics
from store.journal import Journal
from store.known_topics import KnownTopics
from tests.store.helpers import KEY, Closing, MakeRecord

ONE, OTHER = bytes(16), bytes([1]) * 16


def test_until_all_are_known_any_may_be_there() -> None:
    known = KnownTopics()
    assert known.may_have([ONE])
    known.complete = True
    assert not known.may_have([ONE])
    known.add([ONE])
    assert known.may_have([OTHER, ONE])
    assert not known.may_have([OTHER])


async def test_after_a_start_they_are_read_page_by_page_and_meanwhile_the_file_is_asked(
    path: Path, closing: Closing, make: MakeRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(topics, "PAGE", 2)
    texts = [f"person {number}" for number in range(5)]
    before = await closing(Journal.open(path, KEY))
    for text in texts:
        await before.record(replace(make(), topics=(before.topic(text),)), send=False)
    await before.close()

    journal = await closing(Journal.open(path, KEY))
    for _ in ("before they are read", "after"):
        for number, text in enumerate(texts, 1):
            assert [record.number for record in await journal.records_on([text], 0)] == [number]
        assert await journal.records_on(["nobody"], 0) == []
        assert journal._reading_topics is not None
        await journal._reading_topics
    assert journal._topics.complete
    assert not journal._topics.may_have([journal.topic("nobody")])
