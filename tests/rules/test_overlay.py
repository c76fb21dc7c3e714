"""Own writes over an answer, as a table. What the server would say is tried in tests/traffic/test_own_writes.py."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.profiles.model import Overlay
from proxy.rules.overlay import TEXTS_MAX, Write, asked_about, lay_over, shown_in

OVERLAY = Overlay.model_validate(
    {
        "about": "[query.id, query.mobile]",
        "items": "page.people",
        "item_about": "item.id",
        "empty": "`{}`",
        "changes": [
            {
                "record": "register",
                "about": "request.body.mobile",
                "same": "item.id == record.person",
                "where": "asked.query.mobile == request.body.mobile",
                "add": "{id: record.person, name: request.body.name, none: request.body.none}",
            },
            {
                "record": "dose",
                "about": "request.body.person",
                "same": "item.id == request.body.person",
                "shown": "item.dose",
                "set": "{dose: request.body.dose, batch: request.body.batch}",
            },
        ],
    }
)
ASKED = {"query": {"mobile": "9"}}


def body(*people: Any) -> dict[str, Any]:
    return {"page": {"people": list(people), "next": 2}, "ttl": 1}


def dose(person: str, **more: Any) -> Write:
    return Write(1, "dose", {"body": {"person": person, **more}})


def walk_in(name: str, mobile: str = "9") -> Write:
    return Write(2, "register", {"body": {"name": name, "mobile": mobile}}, "99")


ASHA = {"id": "7", "batch": "old"}


@pytest.mark.parametrize(
    ("before", "writes", "after"),
    [
        (body(ASHA), [dose("7", dose=1)], body({"id": "7", "batch": "old", "dose": 1})),
        (body(ASHA), [dose("7", dose=1, batch="new")], body({"id": "7", "batch": "new", "dose": 1})),
        (body(ASHA | {"dose": 1}), [dose("7", dose=2)], None),
        (body(ASHA), [dose("8", dose=1)], None),
        (body(ASHA), [Write(1, "unknown", {"body": {"person": "7"}})], None),
        (body(), [walk_in("Lakshmi")], body({"id": "99", "name": "Lakshmi"})),
        (body(), [walk_in("Lakshmi", "8")], None),
        (body({"id": "99"}), [walk_in("Lakshmi")], None),
        (body(), [walk_in("Lakshmi"), dose("99", dose=1)], body({"id": "99", "name": "Lakshmi", "dose": 1})),
        (body(), [dose("99", dose=1), walk_in("Lakshmi")], body({"id": "99", "name": "Lakshmi"})),
        ({"page": None}, [walk_in("Lakshmi")], None),
        ([], [walk_in("Lakshmi")], None),
        (None, [walk_in("Lakshmi")], None),
        (body("odd", None, 3), [dose("7", dose=1)], None),
    ],
)
def test_it_is_laid_over(before: Any, writes: list[Write], after: Any) -> None:
    kept = repr(before)
    laid = lay_over(OVERLAY, ASKED, before, writes)
    assert (None if laid is None else laid.body) == after
    assert repr(before) == kept, "what was given stays as it was"


def test_which_records_changed_it() -> None:
    laid = lay_over(
        OVERLAY, ASKED, body(ASHA), [walk_in("Lakshmi"), dose("8", dose=1), Write(5, "dose", {"body": {"person": "7", "dose": 1}})]
    )
    assert laid is not None
    assert laid.numbers == (2, 5)


def test_what_it_is_about() -> None:
    assert asked_about(OVERLAY, {"query": {"id": "7"}}) == ("7",)
    assert asked_about(OVERLAY, {"query": {}}) == ()
    assert shown_in(OVERLAY, body(ASHA, {"id": 8}, {"id": "9"}, "odd")) == ("7", "9")
    assert len(shown_in(OVERLAY, body(*({"id": str(number)} for number in range(500))))) == TEXTS_MAX


@pytest.mark.parametrize(("total", "after"), [(4, 5), (None, None), ("4", "4")])
def test_the_number_of_items_counts_what_is_added_and_not_what_is_changed(total: object, after: object) -> None:
    counting = OVERLAY.model_copy(update={"count": "page.total"})
    before = {"page": {"people": [ASHA], "total": total}}
    laid = lay_over(counting, ASKED, before, [dose("7", dose=1), walk_in("Ravi")])
    assert laid is not None
    assert (laid.body["page"]["total"], len(laid.body["page"]["people"])) == (after, 2)
    assert before["page"]["total"] == total
