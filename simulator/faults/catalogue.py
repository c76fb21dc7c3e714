"""All faults by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from simulator.faults.auth_401 import Auth401
from simulator.faults.commit_then_504 import CommitThen504
from simulator.faults.commit_then_drop import CommitThenDrop
from simulator.faults.error_500 import Error500
from simulator.faults.fault import Fault
from simulator.faults.gateway_504 import Gateway504
from simulator.faults.hang import Hang
from simulator.faults.portal_200 import Portal200
from simulator.faults.refuse import Refuse
from simulator.faults.reset_after import ResetAfter
from simulator.faults.reset_before import ResetBefore
from simulator.faults.slow import Slow
from simulator.faults.throttle_429 import Throttle429
from simulator.faults.truncated import Truncated
from simulator.faults.unavailable_503 import Unavailable503
from simulator.faults.waf_403 import Waf403

FAULTS: Final[Mapping[str, type[Fault]]] = {
    "refuse": Refuse,
    "hang": Hang,
    "slow": Slow,
    "reset_before": ResetBefore,
    "reset_after": ResetAfter,
    "commit_then_drop": CommitThenDrop,
    "commit_then_504": CommitThen504,
    "error_500": Error500,
    "unavailable_503": Unavailable503,
    "portal_200": Portal200,
    "throttle_429": Throttle429,
    "waf_403": Waf403,
    "gateway_504": Gateway504,
    "truncated": Truncated,
    "auth_401": Auth401,
}
"""The name is what the control port and the ledger call the fault."""
