from __future__ import annotations

import pytest

from proxy.operations.asked import HoldAsked, RecordsAsked, ReplayAsked, parsed
from proxy.operations.catalogue import ACTS
from proxy.operations.errors import Unfit
from proxy.operations.places import PLACES
from proxy.operations.times import rfc3339
from store.records import RecordState


def test_every_operation_has_a_place() -> None:
    assert ACTS.keys() == PLACES.keys()


def test_a_query_string_and_json_mean_the_same() -> None:
    query = parsed(RecordsAsked, {"state": "held", "since": "2021-07-30T12:30:00+05:30", "outage": "4", "limit": "10"})
    json = parsed(RecordsAsked, {"state": ["held"], "since": "2021-07-30T07:00:00Z", "outage": 4, "limit": 10})
    assert query == json
    assert query.state == (RecordState.HELD,)
    assert rfc3339(query.since) == "2021-07-30T07:00:00.000Z"


@pytest.mark.parametrize(
    ("asked", "where"),
    [
        ({"state": "lost"}, "state"),
        ({"since": "2021-07-30T12:30:00"}, "since"),
        ({"since": 5}, "since"),
        ({"limit": 0}, "limit"),
        ({"nmae": "Lakshmi Nair"}, "nmae"),
    ],
)
def test_what_is_wrong_is_named_and_not_repeated(asked: dict[str, object], where: str) -> None:
    with pytest.raises(Unfit, match=where) as caught:
        parsed(RecordsAsked, asked)
    assert "Lakshmi" not in str(caught.value)


def test_somebody_holds() -> None:
    with pytest.raises(Unfit, match="by"):
        parsed(HoldAsked, {"reason": "maintenance"})


def test_a_rate_is_above_zero() -> None:
    with pytest.raises(Unfit, match="rate"):
        parsed(ReplayAsked, {"rate": 0})
