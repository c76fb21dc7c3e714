"""What a profile that is read anew may change, and what only a start can."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from proxy.profiles.load import load_profile
from proxy.traffic.active_profile import ActiveProfile, GroupsChanged


def test_what_is_read_once_at_the_start_is_not_taken_later_and_nothing_else_of_that_profile_is() -> None:
    profile = load_profile("cowin-vaccinator", Path())
    changes: list[dict[str, Any]] = [
        {"groups": {}},
        {"credentials": profile.credentials.model_copy(update={"headers": ("x-new-key",)})},
        {"pacing": profile.pacing.model_copy(update={"calls_per_minute": 1})},
    ]
    for change in changes:
        active = ActiveProfile(profile)
        with pytest.raises(GroupsChanged):
            active.adopt(profile.model_copy(update=change | {"title": "another"}))
        assert active.profile is profile


def test_all_else_is_taken() -> None:
    profile = load_profile("cowin-vaccinator", Path())
    active = ActiveProfile(profile)
    active.adopt(profile.model_copy(update={"routes": profile.routes[:1]}))
    assert active.routes.match("POST", profile.routes[0].path) is not None
    assert active.routes.match("POST", profile.routes[1].path) is None
