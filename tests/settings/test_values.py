"""Durations and sizes: what people may write, and what it comes to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.document.fields import duration, seconds, size

WHOLE = st.integers(min_value=0, max_value=999_999_999)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("0s", 0.0), ("500ms", 0.5), ("3s", 3.0), ("5m", 300.0), ("1h", 3_600.0), ("30d", 2_592_000.0), ("1ms", 0.001)],
)
def test_durations(text: str, expected: float) -> None:
    assert seconds(text) == expected


@pytest.mark.parametrize("text", ["", "3", "s", "3 s", "-3s", "1.5h", "3S", "3sec", "1h30m", "٣s", "9999999999s", "3s\n"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no duration; write a whole number and a unit, such as 500ms, 3s, 5m, 1h or 30d$"):
        seconds(text)


@given(WHOLE, st.sampled_from([("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)]))
def test_a_duration_is_its_number_times_its_unit(number: int, unit: tuple[str, int]) -> None:
    name, milliseconds = unit
    assert seconds(f"{number}{name}") == number * milliseconds / 1_000


@given(WHOLE, st.sampled_from(["ms", "s", "m", "h"]))
def test_a_duration_written_and_read_is_the_same(number: int, unit: str) -> None:
    length_s = seconds(f"{number}{unit}")
    assert seconds(duration(length_s)) == length_s


@pytest.mark.parametrize(("text", "expected"), [("64MiB", 64 * 1024**2), ("1KiB", 1024), ("2GiB", 2 * 1024**3), ("0MiB", 0)])
def test_sizes(text: str, expected: int) -> None:
    assert size(text) == expected


@pytest.mark.parametrize("text", ["", "64", "64MB", "64 MiB", "-1MiB", "1.5GiB", "MiB", "64mib"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no size; write a whole number and a unit, such as 512KiB, 64MiB or 1GiB$"):
        size(text)


@given(WHOLE, st.sampled_from([("KiB", 10), ("MiB", 20), ("GiB", 30)]))
def test_a_size_is_its_number_times_its_unit(number: int, unit: tuple[str, int]) -> None:
    name, bits = unit
    assert size(f"{number}{name}") == number << bits
