"""All faults by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from simulator.faults.auth_401 import Auth401
from simulator.faults.bad_gateway_502 import BadGateway502
from simulator.faults.bandwidth import Bandwidth
from simulator.faults.blackhole import Blackhole
from simulator.faults.capacity import Capacity
from simulator.faults.commit_then_504 import CommitThen504
from simulator.faults.commit_then_drop import CommitThenDrop
from simulator.faults.content_type import ContentType
from simulator.faults.error_500 import Error500
from simulator.faults.fault import Fault
from simulator.faults.gateway_504 import Gateway504
from simulator.faults.hang import Hang
from simulator.faults.limit_data import LimitData
from simulator.faults.nginx_405 import Nginx405
from simulator.faults.not_http import NotHttp
from simulator.faults.portal_200 import Portal200
from simulator.faults.redirect_302 import Redirect302
from simulator.faults.refuse import Refuse
from simulator.faults.reset_after import ResetAfter
from simulator.faults.reset_before import ResetBefore
from simulator.faults.reset_peer import ResetPeer
from simulator.faults.slicer import Slicer
from simulator.faults.slow import Slow
from simulator.faults.slow_close import SlowClose
from simulator.faults.throttle_429 import Throttle429
from simulator.faults.tls_expired import TlsExpired
from simulator.faults.tls_untrusted import TlsUntrusted
from simulator.faults.tls_wrong_host import TlsWrongHost
from simulator.faults.token_dies import TokenDies
from simulator.faults.truncated import Truncated
from simulator.faults.unavailable_503 import Unavailable503
from simulator.faults.waf_403 import Waf403
from simulator.faults.wrong_date import WrongDate
from simulator.faults.wrong_shape_200 import WrongShape200

FAULTS: Final[Mapping[str, type[Fault]]] = {
    "refuse": Refuse,
    "blackhole": Blackhole,
    "reset_peer": ResetPeer,
    "tls_expired": TlsExpired,
    "tls_untrusted": TlsUntrusted,
    "tls_wrong_host": TlsWrongHost,
    "reset_before": ResetBefore,
    "reset_after": ResetAfter,
    "hang": Hang,
    "slow": Slow,
    "slow_close": SlowClose,
    "slicer": Slicer,
    "bandwidth": Bandwidth,
    "limit_data": LimitData,
    "truncated": Truncated,
    "commit_then_drop": CommitThenDrop,
    "commit_then_504": CommitThen504,
    "gateway_504": Gateway504,
    "bad_gateway_502": BadGateway502,
    "error_500": Error500,
    "unavailable_503": Unavailable503,
    "capacity": Capacity,
    "throttle_429": Throttle429,
    "waf_403": Waf403,
    "nginx_405": Nginx405,
    "portal_200": Portal200,
    "redirect_302": Redirect302,
    "not_http": NotHttp,
    "content_type": ContentType,
    "wrong_shape_200": WrongShape200,
    "wrong_date": WrongDate,
    "auth_401": Auth401,
    "token_dies": TokenDies,
}
"""The name is what the control port and the ledger call the fault."""
