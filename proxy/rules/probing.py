"""When to probe next (DESIGN §5). Pure: the draw and the clock are arguments."""

from __future__ import annotations

from typing import Final, assert_never

from proxy.rules.circuit import GOOD_PROBES, Circuit, Phase, Policy, retry_left_s, trouble_s

SUSPECT_EVERY_S: Final = 1.0

SLOWER: Final = ((7200.0, 16.0), (600.0, 4.0))
"""After so many seconds of being open, so many times the bounds; longest first."""


def next_probe_in_s(circuit: Circuit, now: float, previous_wait_s: float, draw: float, policy: Policy) -> float:
    """
    Return the wait before the next probe.

    While open it is drawn between `probe_every_s` and three times the wait before ("decorrelated jitter"), capped before the draw and
    not after it: centres that have reached the cap would all wait exactly as long. After a long outage the pace stays what it was
    until enough probes were good: to ask more often at the first good one would be a salvo of all centres at the server's return.

    Args:
        circuit: As it stands after the latest answer.
        now: Monotonic seconds.
        previous_wait_s: What this function returned last, 0 at first.
        draw: Uniform random number in [0, 1), drawn by the caller.
        policy: Bounds of the wait.

    Returns:
        Seconds, at most 16 × `probe_max_s` or `probe_idle_s`, to which a running Retry-After is added: given as a date it would bring
        every centre back in the same second.

    Source: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015 ("decorrelated jitter").
    """
    return retry_left_s(circuit, now) + _wait_s(circuit, now, previous_wait_s, draw, policy)


def idle_every_s(probe_idle_s: float, draw: float) -> float:
    """Return a centre's own pace while nothing is asked, a quarter around *probe_idle_s*: at closing time all fall silent at once."""
    return probe_idle_s * (0.75 + draw / 2)


def idle_left_s(circuit: Circuit, now: float, policy: Policy) -> float:
    """
    Return the seconds for which no probe is needed, in [0, `probe_idle_s`]: a closed circuit has the calls' own answers to go by.

    Once they cease it is probed, so that an outage is noticed before the first dose.
    """
    if circuit.phase is not Phase.CLOSED or circuit.good_at is None:
        return 0.0
    return max(0.0, policy.probe_idle_s - max(0.0, now - circuit.good_at))


def _wait_s(circuit: Circuit, now: float, previous_wait_s: float, draw: float, policy: Policy) -> float:
    match circuit.phase:
        case Phase.CLOSED:
            return max(policy.probe_every_s, idle_left_s(circuit, now, policy))
        case Phase.SUSPECT if _factor(circuit, now) == 1.0:
            return min(SUSPECT_EVERY_S, policy.probe_every_s)
        case Phase.HALF_OPEN if circuit.good_probes >= GOOD_PROBES:
            return policy.probe_idle_s  # one good call is waited for, no further probe
        case Phase.HALF_OPEN if _factor(circuit, now) == 1.0:
            return policy.probe_every_s
        case Phase.OPEN | Phase.HALF_OPEN | Phase.SUSPECT:
            return _decorrelated_s(_factor(circuit, now), previous_wait_s, draw, policy)
        case _:
            assert_never(circuit.phase)


def _factor(circuit: Circuit, now: float) -> float:
    troubled_s = trouble_s(circuit, now)
    return next((factor for after_s, factor in SLOWER if troubled_s >= after_s), 1.0)


def _decorrelated_s(factor: float, previous_wait_s: float, draw: float, policy: Policy) -> float:
    least_s, most_s = factor * policy.probe_every_s, factor * policy.probe_max_s
    return least_s + draw * (max(least_s, min(most_s, 3 * previous_wait_s)) - least_s)
