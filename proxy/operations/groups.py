"""Which groups of routes there are, and which are out."""

from __future__ import annotations

from proxy.operations.centre import Centre, Traffic
from proxy.rules.circuit import Phase
from proxy.traffic.pass_route import OTHER_GROUP
from store.snapshot import Snapshot


def groups(centre: Centre) -> tuple[str, ...]:
    """Return all groups of routes, in the profile's order, and last that of what no route names."""
    return centre.traffic.circuits.groups() if centre.traffic else (*centre.profile().groups, OTHER_GROUP)


def is_down(centre: Centre, snapshot: Snapshot) -> bool:
    """Whether a group with a record route is out."""
    return any(group_is_down(centre, group, snapshot) for group in centre.record_groups())


def group_is_down(centre: Centre, group: str, snapshot: Snapshot) -> bool:
    """Whether *group* is open or half-open; where nothing is running, whether its outage was when the last service stopped."""
    if centre.traffic is not None:
        return circuit_is_open(centre.traffic, group)
    known = snapshot.outages.get(group)
    return known is not None and known.running is not None


def circuit_is_open(traffic: Traffic, group: str) -> bool:
    """Whether the circuit of *group* is open or half-open."""
    return traffic.circuits.watched(group).circuit.phase in (Phase.OPEN, Phase.HALF_OPEN)
