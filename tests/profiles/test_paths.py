"""Path templates: which two of them clash."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.profiles.paths import checked_path, covers, is_template, overlap

SEGMENTS = st.sampled_from(["a", "b", "{x}"])
TEMPLATES = st.builds(
    lambda segments, rest: "/" + "/".join([*segments, *rest]),
    st.lists(SEGMENTS, max_size=3),
    st.sampled_from([[], ["**"]]),
)
PATHS = st.lists(st.sampled_from(["a", "b", "c"]), max_size=4).map(lambda segments: "/" + "/".join(segments))


def fits(template: str, path: str) -> bool:
    """Say it the slow way: does *path* fit *template*?"""
    parts, segments = template.split("/"), path.split("/")
    if parts[-1] == "**":
        segments = segments[: len(parts) - 1]
        parts = parts[:-1]
    return len(parts) == len(segments) and all(part in ("{x}", segment) for part, segment in zip(parts, segments, strict=True))


@given(TEMPLATES, TEMPLATES, PATHS)
def test_a_path_that_fits_both_is_an_overlap(one: str, other: str, path: str) -> None:
    if fits(one, path) and fits(other, path):
        assert overlap(one, other)
        assert overlap(other, one)


@given(TEMPLATES, TEMPLATES, PATHS)
def test_what_covers_another_takes_all_of_its_paths(wide: str, narrow: str, path: str) -> None:
    if covers(wide, narrow) and fits(narrow, path):
        assert fits(wide, path)


@pytest.mark.parametrize(
    ("one", "other", "clash"),
    [
        ("/a/{x}", "/a/{y}", True),
        ("/a/{x}/c", "/a/b/{y}", True),
        ("/a/**", "/a/b/{x}", True),
        ("/a/**", "/a", True),
        ("/a/{x}", "/b/{x}", False),
        ("/a/{x}", "/a/{x}/b", False),
        ("/a/b/**", "/a/c/**", False),
    ],
)
def test_overlaps(one: str, other: str, *, clash: bool) -> None:
    assert overlap(one, other) is clash
    assert overlap(other, one) is clash


@pytest.mark.parametrize(
    ("wide", "narrow", "all_of_it"),
    [
        ("/a/**", "/a/b/{x}", True),
        ("/a/**", "/a", True),
        ("/a/{x}", "/a/b", True),
        ("/a/{x}", "/a/{y}", True),
        ("/a/b/{x}", "/a/**", False),
        ("/a/{x}", "/a/{x}/b", False),
        ("/a/b", "/a/{x}", False),
    ],
)
def test_covers(wide: str, narrow: str, *, all_of_it: bool) -> None:
    assert covers(wide, narrow) is all_of_it


def test_templates_and_plain_paths() -> None:
    assert [is_template(path) for path in ("/a/b", "/a/{x}", "/a/**", "/a%2Fb")] == [False, True, True, False]


@pytest.mark.parametrize("path", ["/", "/a", "/a/{state_id}/b", "/**", "/a/**", "/a%2Fb/c.d;e=1", "/$batch", "/a/"])
def test_good_paths(path: str) -> None:
    assert checked_path(path) == path


@pytest.mark.parametrize(
    ("path", "complaint"),
    [
        ("a/b", '"a/b" must begin with /'),
        ("/a?b=1", '"a?b=1" is no segment of a path; it is plain text, or {name} for a whole segment, or ** for the rest'),
        ("/a/x{id}", '"x{id}" is no segment of a path; it is plain text, or {name} for a whole segment, or ** for the rest'),
        ("/a/{}", '"{}" is no segment of a path; it is plain text, or {name} for a whole segment, or ** for the rest'),
        ("/a/*", '"*" is no segment of a path; it is plain text, or {name} for a whole segment, or ** for the rest'),
        ("/**/a", "** must be the last segment"),
        ("/{a}/{a}", '"/{a}/{a}" has two parameters of one name'),
    ],
)
def test_bad_paths(path: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=re.escape(complaint)) as caught:
        checked_path(path)
    assert str(caught.value) == complaint
