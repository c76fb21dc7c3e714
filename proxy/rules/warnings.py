"""What a person at the desk should know before they go on: too short an interval, another vaccine. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from proxy.profiles.model import Route


class _Noting(dict[str, Any]):
    """Data of an expression, and whether it looked for `known`."""

    looked = False

    def get(self, name: str, default: Any = None) -> Any:  # noqa: ANN401 - any JSON
        self.looked |= name == "known"
        return super().get(name, default)


def may_warn(route: Route, request: Mapping[str, Any]) -> bool:
    """Whether it depends on what is known of the person, or is certain, that `warnings` says something; else nobody need be looked up."""
    data = _Noting(request=request)
    return any(warning.when.holds(data) or data.looked for warning in route.warn_if)


def warnings(route: Route, request: Mapping[str, Any], look_up_view: Mapping[str, Any]) -> tuple[str, ...]:
    """
    Return what is to be said of a request that was kept while the upstream could not judge it.

    Args:
        route: A record route, with `warn_if` and a look-up.
        request: As `request_view` shows it.
        look_up_view: What is known of the person: the answer that the route's look-up would have from memory, as `view_of` shows answers.
    """
    candidates = None if route.look_up is None else route.look_up.candidates.search(look_up_view)
    if not isinstance(candidates, list) or len(candidates) != 1:
        return ()  # of several nobody can say who it is
    data = {"request": request, "known": candidates[0]}
    return tuple(warning.text for warning in route.warn_if if warning.when.holds(data))
