"""The profile in force; it may be read anew while the service runs."""

from __future__ import annotations

from proxy.profiles.model import Answers, ErrorText, Overlay, Profile, Route
from proxy.rules.problems import ErrorMembers
from proxy.rules.routes import RouteTable


class GroupsChanged(Exception):
    """The new profile has other groups, probes, credential fields or pacing; these take effect at the next start only."""


class ActiveProfile:
    """What all parts ask about the upstream's API. `adopt` swaps it between two requests."""

    def __init__(self, profile: Profile) -> None:
        self._use(profile)

    def _use(self, profile: Profile) -> None:
        self.profile = profile
        self.routes = RouteTable(profile.routes)
        self._named = {route.name: route for route in profile.routes}
        self.code_member = next((member for member, text in profile.error_members.items() if text is ErrorText.CODE), None)

    def adopt(self, profile: Profile) -> None:
        """
        Put *profile* in force.

        Raises:
            GroupsChanged: Its groups, probes, credential fields or pacing differ; the one in force stays.
        """
        if _fixed(profile) != _fixed(self.profile):
            raise GroupsChanged
        self._use(profile)

    def route(self, name: str) -> Route | None:
        """Return the route called *name*; None where the profile has it no longer."""
        return self._named.get(name)

    def overlay_of(self, route: Route) -> Overlay | None:
        """Return what is laid over the answers of *route*."""
        return None if route.overlay is None else self.profile.overlays.get(route.overlay)

    @property
    def answers(self) -> Answers:
        """How to tell what an answer means, where no route says it differently."""
        return self.profile.answers

    @property
    def error_members(self) -> ErrorMembers:
        """Members in which desk software looks for an error text."""
        return self.profile.error_members if self.profile.error_body is None else self.profile.error_body


def _fixed(profile: Profile) -> tuple[object, ...]:
    return profile.groups, profile.credentials, profile.pacing
