from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import reduce
from itertools import accumulate, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.rules.circuit import (
    PHASES,
    RECENT_MAX,
    ROW_MAX,
    Admit,
    Circuit,
    Downtime,
    Evidence,
    Phase,
    Policy,
    Sign,
    admits,
    admits_canary,
    downtime_of,
    observe,
    release,
    resumed,
    retry_left_s,
    settle_idle,
    take,
    trouble_s,
)

POLICY = Policy()
UNPROBED = Policy(has_probe=False)
GOOD, NOT_SENT, IMPOSTOR, BAD, SLOW, THROTTLED, AUTH, REVOKED, NEUTRAL = Sign


@dataclass(frozen=True)
class Ask:
    """Something that was asked, in the generation of its time, and what came of it at `at`."""

    at: float
    sign: Sign
    lane: str = ""
    probe: bool = False
    cause: str = "timeout"
    refused: bool = False
    took_s: float = 0.0
    retry_after_s: float | None = None

    def evidence(self, generation: int) -> Evidence:
        return Evidence(
            sign=self.sign,
            generation=generation,
            asked_at=self.at - self.took_s,
            cause=self.cause,
            lane=self.lane.encode() or None,
            probe=self.probe,
            refused=self.refused,
            retry_after_s=self.retry_after_s,
        )


def call(at: float, sign: Sign, lane: str = "", took_s: float = 0.0, cause: str = "timeout") -> Ask:
    return Ask(at, sign, lane, took_s=took_s, cause=cause)


def probe(at: float, sign: Sign, cause: str = "timeout") -> Ask:
    return Ask(at, sign, probe=True, cause=cause)


def refusal(at: float) -> Ask:
    return Ask(at, NOT_SENT, refused=True, cause="refused")


def after(asks: Iterable[Ask], circuit: Circuit | None = None, policy: Policy = POLICY) -> Circuit:
    return reduce(lambda now, ask: observe(now, ask.evidence(now.generation), ask.at, policy), asks, circuit or Circuit())


def opened(policy: Policy = POLICY) -> Circuit:
    """Down since 100.0, found out at 102.0."""
    return after([refusal(100), refusal(101), refusal(102)], policy=policy)


def half_open(policy: Policy = POLICY) -> Circuit:
    """As `opened`, and answering again since 110.0."""
    return after([probe(110, GOOD) if policy.has_probe else call(110, GOOD)], opened(policy), policy)


def revoked(policy: Policy = POLICY) -> Circuit:
    """Opened by three who were refused, and answering its probes since 110.0."""
    return after([*(call(i, REVOKED, f"{i}") for i in range(3)), probe(110, AUTH)], policy=policy)


def failing() -> Circuit:
    """Opened by ten calls that failed within two seconds."""
    return after([call(100 + i / 5, BAD, f"{i}") for i in range(10)])


def throttled() -> Circuit:
    return after([call(0, THROTTLED), call(60, THROTTLED), call(120, THROTTLED)])


OPENING = {
    "nothing heard": ([], Phase.CLOSED),
    "good answers": ([call(0, GOOD), probe(1, GOOD)], Phase.CLOSED),
    "no evidence": ([call(i, NEUTRAL) for i in range(20)], Phase.CLOSED),
    "credentials refused": ([call(i, AUTH, f"lane {i}") for i in range(20)], Phase.CLOSED),
    "suspect: one not sent": ([call(0, NOT_SENT)], Phase.SUSPECT),
    "suspect: one impostor": ([call(0, IMPOSTOR)], Phase.SUSPECT),
    "not suspect: one bad": ([call(0, BAD)], Phase.CLOSED),
    "suspect: two bad in 10 s": ([call(0, BAD), call(10, BAD)], Phase.SUSPECT),
    "not suspect: two bad in more than 10 s": ([call(0, BAD), call(10.1, BAD)], Phase.CLOSED),
    "suspect: slow is bad": ([call(0, SLOW), call(4, BAD)], Phase.SUSPECT),
    "not suspect: one payload twice": ([call(0, BAD, "a"), call(1, BAD, "a")], Phase.CLOSED),
    "not suspect: one call that was slow and then failed": ([call(10, SLOW, took_s=10), call(12, BAD, took_s=12)], Phase.CLOSED),
    "calmed by a good call": ([call(0, NOT_SENT), call(1, GOOD)], Phase.CLOSED),
    "calmed by a good probe, of a connection": ([call(0, NOT_SENT), probe(1, GOOD)], Phase.CLOSED),
    "not calmed by a good probe, of a call": ([call(0, IMPOSTOR), probe(1, GOOD)], Phase.SUSPECT),
    "calmed by good probes after 10 s": ([call(0, IMPOSTOR), probe(1, GOOD), probe(10.1, GOOD)], Phase.CLOSED),
    "calmed by a probe whose credential is refused: it is alive": ([call(0, NOT_SENT), probe(1, AUTH)], Phase.CLOSED),
    "not open: a good probe between bad ones": ([probe(0, BAD), probe(2, BAD), probe(4, GOOD), probe(6, BAD)], Phase.SUSPECT),
    "not open: four of ten probes": ([probe(i, BAD if i in (1, 4, 7) else GOOD) for i in range(9)] + [probe(9, BAD)], Phase.SUSPECT),
    "open: three bad in a row over 5 s": ([call(0, BAD), call(2, BAD), call(5, BAD)], Phase.OPEN),
    "not open: three bad in a row within 5 s": ([call(0, BAD), call(2, BAD), call(4.9, BAD)], Phase.SUSPECT),
    "not open: two bad over 5 s": ([call(0, BAD), call(6, BAD)], Phase.SUSPECT),
    "not open: a good call between": ([call(0, BAD), call(2, BAD), call(3, GOOD), call(6, BAD)], Phase.SUSPECT),
    "not open: one payload three times": ([call(i * 3, BAD, "a") for i in range(4)], Phase.CLOSED),
    "open: one payload, then two others": ([call(0, BAD, "a"), call(3, BAD, "a"), call(4, BAD, "b"), call(6, BAD, "c")], Phase.OPEN),
    "open: one lane not sent again and again": ([call(i * 3, NOT_SENT, "a", cause="dns") for i in range(3)], Phase.OPEN),
    "open: three calls hung together": ([call(10, SLOW, "a", 10), call(10, SLOW, "b", 10), call(10, SLOW, "c", 10)], Phase.OPEN),
    "not open: failures a quarter of an hour apart": ([call(0, BAD), call(901, BAD), call(1802, BAD)], Phase.CLOSED),
    "open: failures some minutes apart, nothing good between": ([call(0, BAD), call(300, BAD), call(600, BAD)], Phase.OPEN),
    "open at once: connections refused three times": ([refusal(0), refusal(0.1), refusal(0.2)], Phase.OPEN),
    "not open: connections refused twice": ([refusal(0), refusal(0.1)], Phase.SUSPECT),
    "not open at once: not sent for another reason": ([call(i / 10, NOT_SENT, cause="dns") for i in range(3)], Phase.SUSPECT),
    "open: half of ten in 30 s": ([call(i, BAD if i % 2 else GOOD, f"lane {i}") for i in range(10)], Phase.OPEN),
    "not open: four of ten": ([call(i, BAD if i % 5 in (1, 3) else GOOD, f"lane {i}") for i in range(10)], Phase.CLOSED),
    "not open: half of nine": ([call(i, BAD if i % 2 else GOOD, f"lane {i}") for i in range(9)], Phase.CLOSED),
    "not open: half of ten, but in more than 30 s": ([call(i * 4, BAD if i % 2 else GOOD, f"lane {i}") for i in range(10)], Phase.SUSPECT),
    "not open: half the answers are one payload's": (
        [call(i, BAD if i % 2 else GOOD, "a" if i % 2 else f"{i}") for i in range(24)],
        Phase.CLOSED,
    ),
    "open: slow is bad, though the send goes on and succeeds": (
        [call(i + part, sign, f"lane {i}") for i in range(10) for part, sign in ((0.0, SLOW), (0.5, GOOD))][:-1],
        Phase.OPEN,
    ),
    "open: every call fails and every probe is good": (
        sorted([probe(i, GOOD) for i in range(8)] + [call(i + 0.5, BAD, f"{i}") for i in (1, 4, 7)], key=lambda ask: ask.at),
        Phase.OPEN,
    ),
    "open: half of ten calls, however many good probes": (
        [ask for i in range(10) for ask in (probe(i, GOOD), probe(i + 0.3, GOOD), call(i + 0.6, BAD if i % 2 else GOOD, f"{i}"))],
        Phase.OPEN,
    ),
    "not open: the probe's route fails, ten calls are good": (
        [call(i / 10, GOOD, f"{i}") for i in range(10)]
        + [ask for i in range(1, 20) for ask in (probe(i, BAD), call(i + 0.5, GOOD, f"{i}"))],
        Phase.CLOSED,
    ),
    "not open: throttled for less than 2 min": ([call(i * 10, THROTTLED) for i in range(12)], Phase.CLOSED),
    "open: throttled for 2 min": ([call(i * 10, THROTTLED) for i in range(13)], Phase.OPEN),
    "not open: throttled, with a good answer between": ([call(0, THROTTLED), call(60, GOOD), call(130, THROTTLED)], Phase.CLOSED),
    "not open: a throttled probe, and a good one": ([probe(0, THROTTLED), probe(60, GOOD), probe(130, THROTTLED)], Phase.CLOSED),
    "open: throttled calls, however many good probes": ([call(0, THROTTLED), probe(60, GOOD), call(120, THROTTLED)], Phase.OPEN),
    "not open: throttled today and yesterday": ([call(0, THROTTLED), call(86_400, THROTTLED)], Phase.CLOSED),
    "open at once: the own credential refused for three persons": ([call(i / 10, REVOKED, f"{i}") for i in range(3)], Phase.OPEN),
    "not open: refused for one person again and again": ([call(i, REVOKED, "a") for i in range(20)], Phase.CLOSED),
    "not open: refused for three, with a good call between": (
        [call(0, REVOKED, "a"), call(1, REVOKED, "b"), call(2, GOOD, "d"), call(3, REVOKED, "c")],
        Phase.SUSPECT,
    ),
    "open: a probe that fails counts like a call": ([probe(0, BAD), probe(2, BAD), probe(5, BAD)], Phase.OPEN),
    "an idle group's probe finds it refused": ([probe(0, NOT_SENT)], Phase.SUSPECT),
}


@pytest.mark.parametrize(("asks", "phase"), OPENING.values(), ids=OPENING.keys())
def test_when_it_is_suspected_and_when_it_opens(asks: list[Ask], phase: Phase) -> None:
    assert after(asks).phase is phase


CLOSING = {
    "open: another bad probe": (opened(), [probe(110, BAD)], Phase.OPEN),
    "open: a throttled probe is no good one": (opened(), [probe(110, THROTTLED)], Phase.OPEN),
    "half-open: one good probe": (opened(), [probe(110, GOOD)], Phase.HALF_OPEN),
    "half-open: a probe whose credential is refused is answered": (opened(), [probe(110, AUTH)], Phase.HALF_OPEN),
    "not closed: three good probes alone": (half_open(), [probe(112, GOOD), probe(114, GOOD), probe(116, GOOD)], Phase.HALF_OPEN),
    "not closed: a good call and two good probes": (half_open(), [call(111, GOOD), probe(112, GOOD)], Phase.HALF_OPEN),
    "closed: three good probes, then a good call": (half_open(), [probe(112, GOOD), probe(114, GOOD), call(115, GOOD)], Phase.CLOSED),
    "closed: a good call, then the third good probe": (half_open(), [call(111, GOOD), probe(112, GOOD), probe(114, GOOD)], Phase.CLOSED),
    "not closed: a call whose credential is refused": (half_open(), [probe(112, GOOD), probe(114, GOOD), call(115, AUTH)], Phase.HALF_OPEN),
    "half-open: a credential refused in another outage": (half_open(), [call(111, REVOKED, "a")], Phase.HALF_OPEN),
    "open again: still refused": (revoked(), [call(111, REVOKED, "a")], Phase.OPEN),
    "closed: taken again": (revoked(), [probe(112, AUTH), probe(114, AUTH), call(115, GOOD)], Phase.CLOSED),
    "not closed: a throttled call": (half_open(), [probe(112, GOOD), probe(114, GOOD), call(115, THROTTLED)], Phase.HALF_OPEN),
    "open again: canary not sent": (half_open(), [call(111, NOT_SENT, "a")], Phase.OPEN),
    "open again: canary met an impostor": (half_open(), [call(111, IMPOSTOR, "a")], Phase.OPEN),
    "half-open: a bad canary": (half_open(), [call(111, BAD, "a")], Phase.HALF_OPEN),
    "half-open: one lane's canary again and again": (half_open(), [call(111 + i, BAD, "a") for i in range(9)], Phase.HALF_OPEN),
    "half-open: two lanes' canaries": (half_open(), [call(111, BAD, "a"), call(112, SLOW, "b")], Phase.HALF_OPEN),
    "open again: two other lanes fail too": (half_open(), [call(111 + i, BAD, lane) for i, lane in enumerate("abc")], Phase.OPEN),
    "half-open: a good call between": (
        half_open(),
        [call(111, BAD, "a"), call(112, BAD, "b"), call(113, GOOD, "d"), call(114, BAD, "c")],
        Phase.HALF_OPEN,
    ),
    "closed: one payload fails, the rest is good": (
        half_open(),
        [call(111, BAD, "a"), probe(112, GOOD), probe(114, GOOD), call(115, GOOD, "b")],
        Phase.CLOSED,
    ),
    "open again: the probe that half-opened it fails": (half_open(), [probe(112, BAD)], Phase.OPEN),
    "half-open: a probe is throttled": (half_open(), [probe(112, THROTTLED)], Phase.HALF_OPEN),
    "not closed: good probes of before do not count": (
        half_open(),
        [call(111, GOOD), probe(112, GOOD), probe(113, BAD), probe(114, GOOD), probe(115, GOOD), call(116, GOOD)],
        Phase.HALF_OPEN,
    ),
    "not closed: good calls of before do not count": (
        half_open(),
        [call(111, GOOD), probe(113, BAD), probe(114, GOOD), probe(115, GOOD), probe(116, GOOD)],
        Phase.HALF_OPEN,
    ),
    "half-open: failures of before do not count": (
        failing(),
        [probe(110, GOOD), call(111, BAD, "d"), call(112, BAD, "e")],
        Phase.HALF_OPEN,
    ),
    "half-open: throttling of before does not count": (throttled(), [probe(150, GOOD), call(151, THROTTLED)], Phase.HALF_OPEN),
    "closed: the share of before does not count": (
        failing(),
        [probe(110, GOOD), probe(111, GOOD), probe(112, GOOD), call(113, GOOD), call(114, BAD)],
        Phase.CLOSED,
    ),
    "open again: throttled for 2 min": (half_open(), [call(111 + i * 60, THROTTLED, "a") for i in range(3)], Phase.OPEN),
}


@pytest.mark.parametrize(("circuit", "asks", "phase"), CLOSING.values(), ids=CLOSING.keys())
def test_when_it_half_opens_closes_and_opens_again(circuit: Circuit, asks: list[Ask], phase: Phase) -> None:
    assert after(asks, circuit).phase is phase


UNPROBED_GROUP = {
    "a good canary half-opens": (opened(UNPROBED), [call(110, GOOD)], Phase.HALF_OPEN),
    "so does one whose credential is refused": (opened(UNPROBED), [call(110, AUTH)], Phase.HALF_OPEN),
    "a bad one does not": (opened(UNPROBED), [call(110, BAD)], Phase.OPEN),
    "two good calls do not close": (half_open(UNPROBED), [call(112, GOOD)], Phase.HALF_OPEN),
    "three good calls close": (half_open(UNPROBED), [call(112, GOOD), call(113, GOOD)], Phase.CLOSED),
    "so do three that are answered": (half_open(UNPROBED), [call(112, AUTH), call(113, AUTH)], Phase.CLOSED),
    "not where refused credentials are the outage": (revoked(UNPROBED), [call(110 + i, AUTH) for i in range(5)], Phase.HALF_OPEN),
}


@pytest.mark.parametrize(("circuit", "asks", "phase"), UNPROBED_GROUP.values(), ids=UNPROBED_GROUP.keys())
def test_a_group_without_a_probe_goes_by_its_calls(circuit: Circuit, asks: list[Ask], phase: Phase) -> None:
    assert after(asks, circuit, UNPROBED).phase is phase


def test_with_nothing_to_send_three_good_probes_close() -> None:
    two = after([probe(112, GOOD)], half_open())
    assert settle_idle(two, 114, POLICY) == two
    assert settle_idle(after([probe(114, GOOD)], two), 114, POLICY).phase is Phase.CLOSED


@pytest.mark.parametrize("sign", [REVOKED, AUTH])
def test_while_credentials_are_refused_good_probes_do_not_make_every_dose_a_canary(sign: Sign) -> None:
    """Else each desk that records one dose after the other would be told 401 each time, all through the outage."""
    circuit, now, waits = revoked(), 110.0, []
    for _ in range(9):
        asked = now
        while admits(circuit, now, POLICY) is Admit.NO:
            now += 1
            circuit = after([probe(now, GOOD)], circuit)
        waits.append(now - asked)
        circuit = after([call(now, sign, "a"), probe(now, GOOD)], circuit)
    longest = 8 * POLICY.probe_max_s
    assert waits == [0, *(min(2.0 ** (i + 2), longest) for i in range(8))]


def test_that_a_credential_is_taken_again_no_probe_shows() -> None:
    probed = after([probe(112, GOOD), probe(114, GOOD), probe(116, GOOD)], revoked())
    assert downtime_of(probed).cause == "auth"
    assert settle_idle(probed, 116, POLICY).phase is Phase.HALF_OPEN


def test_with_nothing_to_send_the_one_good_call_closes_a_group_without_a_probe() -> None:
    assert settle_idle(half_open(UNPROBED), 114, UNPROBED).phase is Phase.CLOSED


@pytest.mark.parametrize("circuit", [Circuit(), after([call(0, NOT_SENT)]), opened()])
def test_only_a_half_open_circuit_is_settled(circuit: Circuit) -> None:
    assert settle_idle(circuit, 114, POLICY) == circuit


class TestTrouble:
    """An outage casts a shadow of its own length: what fails within it is the old trouble."""

    DOWN = Circuit(Phase.OPEN, 1, downtime=Downtime(0, 0, 0, "connect"), troubled_since=0)

    def closed(self, at: float) -> Circuit:
        half_open = replace(self.DOWN, phase=Phase.HALF_OPEN, good_probes=3, downtime=replace(downtime_of(self.DOWN), good_since=at))
        return settle_idle(half_open, at, POLICY)

    def test_there_is_none_before_the_first_outage(self) -> None:
        assert trouble_s(after([call(0, GOOD), call(1, NOT_SENT)]), 2) == 0

    def test_an_outage_is_trouble_from_its_first_failure(self) -> None:
        assert trouble_s(opened(), downtime_of(opened()).first_bad_at + 500) == 500

    @pytest.mark.parametrize(("now", "expected"), [(1000, 1000), (2000, 1000), (2001, 0)])
    def test_it_is_over_when_it_has_been_calm_for_as_long(self, now: float, expected: float) -> None:
        assert trouble_s(self.closed(1000), now) == expected

    @pytest.mark.parametrize(("again_at", "expected"), [(1500, 1600), (2500, 100)])
    def test_one_that_falls_over_again_soon_has_been_in_trouble_since_the_first(self, again_at: float, expected: float) -> None:
        again = after(
            [call(again_at, NOT_SENT, "a"), call(again_at + 6, NOT_SENT, "b"), call(again_at + 7, NOT_SENT, "c")], self.closed(1000)
        )
        assert again.phase is Phase.OPEN
        assert trouble_s(again, again_at + 100) == pytest.approx(expected, abs=1)


class TestDowntime:
    def test_starts_when_the_first_failed_call_was_asked(self) -> None:
        circuit = after([call(50, GOOD), call(70, SLOW, "a", took_s=10), call(71, BAD, "b"), call(72, BAD, "c")])
        assert downtime_of(circuit).first_bad_at == 60
        assert downtime_of(circuit).opened_at == 72

    def test_does_not_start_before_the_last_good_call(self) -> None:
        circuit = after([call(50, GOOD), call(55, SLOW, "a", took_s=10), call(57, BAD, "b"), call(60, BAD, "c")])
        assert downtime_of(circuit).first_bad_at == 50

    def test_is_not_shortened_by_good_probes_where_calls_hang(self) -> None:
        hung = [call(70, SLOW, "a", took_s=10), call(71, BAD, "b"), call(72, BAD, "c")]
        assert downtime_of(after([probe(69, GOOD), *hung])).first_bad_at == 60

    @pytest.mark.parametrize("first", [probe(70, BAD), call(70, NOT_SENT)])
    def test_of_probes_and_connections_does_not_start_before_the_last_good_probe(self, first: Ask) -> None:
        hung = replace(first, took_s=10)
        assert downtime_of(after([probe(69, GOOD), hung, call(71, BAD), call(75, BAD)])).first_bad_at == 69

    def test_lasts_up_to_the_last_bad_answer(self) -> None:
        assert downtime_of(after([probe(110, BAD)], opened())).last_bad_at == 110

    def test_of_a_share_starts_with_the_first_bad_in_it(self) -> None:
        assert downtime_of(after([call(i, BAD if i % 2 else GOOD, f"{i}") for i in range(10)])).first_bad_at == 1

    def test_of_throttling_starts_with_the_first(self) -> None:
        circuit = after([call(10 + i * 60, THROTTLED, cause="waf") for i in range(3)])
        assert (downtime_of(circuit).first_bad_at, downtime_of(circuit).cause) == (10, "throttled")

    def test_has_the_cause_that_was_seen_most(self) -> None:
        assert downtime_of(after([call(0, BAD, "a", cause="reset"), refusal(5), refusal(6)])).cause == "refused"

    def test_ends_with_the_first_good_answer_that_held(self) -> None:
        flickered = after([probe(104, GOOD), probe(106, BAD), probe(110, GOOD), call(112, BAD, "a")], opened())
        assert downtime_of(flickered) == replace(downtime_of(opened()), opened_at=106, last_bad_at=106, good_since=110, asked_at=106)

    def test_is_over_once_closed(self) -> None:
        circuit = after([call(111, GOOD), probe(112, GOOD), probe(114, GOOD)], half_open())
        assert circuit.downtime is None
        with pytest.raises(ValueError, match="closed circuit has no downtime"):
            downtime_of(circuit)

    def test_goes_on_over_a_restart(self) -> None:
        circuit = resumed("http_503", since=-400, now=20)
        assert (circuit.phase, downtime_of(circuit).first_bad_at, downtime_of(circuit).cause) == (Phase.OPEN, -400, "http_503")
        assert after([probe(22, GOOD)], circuit).phase is Phase.HALF_OPEN


class TestAdmission:
    @pytest.mark.parametrize("circuit", [Circuit(), after([call(0, NOT_SENT)])])
    def test_closed_and_suspect_let_everything_through(self, circuit: Circuit) -> None:
        assert admits(circuit, 103, POLICY) is Admit.FREELY

    def test_open_lets_nothing_through(self) -> None:
        assert admits(opened(), 10_000, POLICY) is Admit.NO

    def test_half_open_lets_one_call_through_at_a_time(self) -> None:
        circuit = half_open()
        assert admits(circuit, 111, POLICY) is Admit.SINGLY
        taken = take(circuit)
        assert admits(taken, 111, POLICY) is Admit.NO
        assert admits(release(taken, taken.generation), 111, POLICY) is Admit.SINGLY

    def test_the_permit_cannot_be_taken_twice(self) -> None:
        with pytest.raises(ValueError, match="permit is taken"):
            take(take(half_open()))

    def test_a_permit_of_an_earlier_generation_frees_nothing(self) -> None:
        first = take(half_open())
        second = take(after([probe(112, BAD), probe(114, GOOD)], first))
        assert release(second, first.generation) == second

    def test_a_canary_goes_from_the_start_slot_on(self) -> None:
        assert not admits_canary(half_open(), 119.9, POLICY, start_at=120)
        assert admits_canary(half_open(), 120, POLICY, start_at=120)
        assert not admits_canary(take(half_open()), 120, POLICY, start_at=120)
        assert not admits_canary(opened(), 120, POLICY, start_at=120)

    def test_without_a_probe_canaries_wait_twice_as_long_after_each_bad_one(self) -> None:
        circuit, waits = opened(UNPROBED), []
        for _ in range(9):
            at = circuit.canary_at
            waits.append(circuit.canary_wait_s)
            assert admits(circuit, at - 0.1, UNPROBED) is Admit.NO
            assert admits_canary(circuit, at, UNPROBED, start_at=at + 1000)
            circuit = after([call(at, BAD)], circuit, UNPROBED)
        assert waits == [2, 4, 8, 16, 32, 64, 120, 120, 120]

    def test_without_a_probe_a_bad_call_also_delays_the_next_while_half_open(self) -> None:
        circuit = after([call(111, BAD, "a")], half_open(UNPROBED), UNPROBED)
        assert admits(circuit, 112.9, UNPROBED) is Admit.NO
        assert admits(circuit, 113, UNPROBED) is Admit.SINGLY

    def test_with_a_probe_it_does_not(self) -> None:
        assert admits(after([call(111, BAD, "a")], half_open()), 111, POLICY) is Admit.SINGLY

    def test_a_slow_canary_that_proves_good_lets_the_next_go(self) -> None:
        circuit = after([call(110, SLOW, "a"), call(111, GOOD, "a")], opened(UNPROBED), UNPROBED)
        assert admits(circuit, 111, UNPROBED) is Admit.SINGLY

    @pytest.mark.parametrize(
        "asked",
        [
            pytest.param([call(122, GOOD), refusal(130)], id="half-open"),
            pytest.param([call(122, GOOD), call(123, BAD, "a"), call(125, GOOD), refusal(130)], id="half-open, with a bad one between"),
            pytest.param([call(at, GOOD) for at in (122, 123, 124)] + [refusal(at) for at in (130, 131, 132)], id="closed"),
        ],
    )
    def test_a_good_canary_ends_the_doubling(self, asked: list[Ask]) -> None:
        tried = after([call(110, BAD), call(114, BAD)], opened(UNPROBED), UNPROBED)
        assert tried.canary_wait_s == 8
        assert after(asked, tried, UNPROBED).canary_wait_s == 2

    def test_a_canary_heeds_retry_after(self) -> None:
        circuit = after([Ask(110, BAD, retry_after_s=60)], opened(UNPROBED), UNPROBED)
        assert admits(circuit, 110, UNPROBED) is Admit.NO
        assert admits(circuit, 169, UNPROBED) is Admit.NO
        assert admits(circuit, 170, UNPROBED) is Admit.SINGLY

    def test_a_canary_is_not_delayed_by_a_clock_that_went_back(self) -> None:
        assert admits(opened(UNPROBED), -5000, UNPROBED) is Admit.SINGLY


class TestRetryAfter:
    def test_runs_down(self) -> None:
        circuit = after([Ask(110, BAD, probe=True, retry_after_s=60)], opened())
        assert [retry_left_s(circuit, now) for now in (110, 140, 170, 500)] == [60, 30, 0, 0]

    def test_is_believed_for_an_hour_at_most(self) -> None:
        assert retry_left_s(after([Ask(110, BAD, retry_after_s=10**9)], opened()), 110) == 3600

    def test_is_not_lengthened_by_a_clock_that_went_back(self) -> None:
        assert retry_left_s(after([Ask(110, BAD, retry_after_s=60)], opened()), -1000) == 60

    def test_is_void_once_the_outage_is_over(self) -> None:
        healed = [probe(111, GOOD), probe(112, GOOD), probe(113, GOOD), call(114, GOOD)]
        assert retry_left_s(after([Ask(110, BAD, probe=True, retry_after_s=60), *healed], opened()), 114) == 0

    def test_is_void_after_a_good_answer_while_closed(self) -> None:
        assert retry_left_s(after([Ask(0, THROTTLED, retry_after_s=60), call(1, GOOD)]), 1) == 0


@pytest.mark.parametrize("circuit", [opened(), half_open(), after([call(111, GOOD), probe(112, GOOD), probe(114, GOOD)], half_open())])
@pytest.mark.parametrize("sign", Sign)
@pytest.mark.parametrize("of_a_probe", [True, False])
def test_an_answer_of_an_earlier_generation_moves_nothing(circuit: Circuit, sign: Sign, of_a_probe: bool) -> None:
    late = Ask(120, sign, probe=of_a_probe, refused=True, retry_after_s=9).evidence(circuit.generation - 1)
    assert observe(circuit, late, 120, POLICY) == circuit


@pytest.mark.parametrize("ask", [call(5, GOOD), probe(5, GOOD), probe(5, AUTH)])
def test_it_knows_when_it_last_heard_good(ask: Ask) -> None:
    assert after([ask]).good_at == 5


def test_calls_asked_while_closed_and_while_suspect_are_of_one_generation() -> None:
    assert after([call(0, NOT_SENT)]).generation == after([call(0, NOT_SENT), call(1, GOOD)]).generation == Circuit().generation


def test_every_phase_can_be_left() -> None:
    assert set(PHASES) == set(Phase)
    assert all(PHASES[phase] and phase not in PHASES[phase] for phase in Phase)


asks = st.builds(
    Ask,
    at=st.floats(0, 60),  # the step from the ask before; made a time below
    sign=st.sampled_from(Sign),
    lane=st.sampled_from(["", "a", "b", "c", "d"]),
    probe=st.booleans(),
    cause=st.sampled_from(["timeout", "http_503", "refused"]),
    refused=st.booleans(),
    took_s=st.floats(0, 30),
    retry_after_s=st.none() | st.floats(0, 1e6),
)
policies = st.sampled_from([POLICY, UNPROBED])


def forward(steps: list[Ask]) -> list[Ask]:
    times = accumulate(step.at for step in steps)
    return [replace(step, at=at) for step, at in zip(steps, times, strict=True)]


def way(asked: Iterable[Ask], policy: Policy) -> list[Circuit]:
    circuits = [Circuit()]
    for ask in asked:
        circuits.append(observe(circuits[-1], ask.evidence(circuits[-1].generation), ask.at, policy))
        circuits.append(settle_idle(circuits[-1], ask.at, policy) if ask.lane == "d" else circuits[-1])
    return circuits


WAYS = {
    (Phase.CLOSED, Phase.SUSPECT): (Circuit(), call(0, NOT_SENT)),
    (Phase.CLOSED, Phase.OPEN): (after([call(0, THROTTLED), call(60, THROTTLED)]), call(120, THROTTLED)),
    (Phase.SUSPECT, Phase.CLOSED): (after([call(0, NOT_SENT)]), call(1, GOOD)),
    (Phase.SUSPECT, Phase.OPEN): (after([refusal(0), refusal(1)]), refusal(2)),
    (Phase.OPEN, Phase.HALF_OPEN): (opened(), probe(110, GOOD)),
    (Phase.HALF_OPEN, Phase.OPEN): (half_open(), probe(112, BAD)),
    (Phase.HALF_OPEN, Phase.CLOSED): (after([probe(112, GOOD), probe(114, GOOD)], half_open()), call(115, GOOD)),
}


@pytest.mark.parametrize(("way", "example"), WAYS.items())
def test_every_way_of_the_table_can_be_gone(way: tuple[Phase, Phase], example: tuple[Circuit, Ask]) -> None:
    circuit, ask = example
    assert (circuit.phase, after([ask], circuit).phase) == way


def test_every_way_of_the_table_has_an_example() -> None:
    assert set(WAYS) == {(before, now) for before, targets in PHASES.items() for now in targets}


@given(st.lists(asks, max_size=60).map(forward), policies)
def test_no_other_way_is_gone(asked: list[Ask], policy: Policy) -> None:
    for before, now in pairwise(way(asked, policy)):
        assert now.phase is before.phase or now.phase in PHASES[before.phase]


@given(st.lists(asks, max_size=60).map(forward), policies)
def test_a_circuit_is_always_whole(asked: list[Ask], policy: Policy) -> None:
    for before, now in pairwise(way(asked, policy)):
        quiet = {before.phase, now.phase} <= {Phase.CLOSED, Phase.SUSPECT}
        assert now.generation - before.generation == (0 if quiet or before.phase is now.phase else 1)
        assert (now.downtime is not None) == (now.phase in (Phase.OPEN, Phase.HALF_OPEN))
        if now.downtime is not None:
            assert (now.downtime.good_since is not None) == (now.phase is Phase.HALF_OPEN)
            assert now.downtime.first_bad_at <= now.downtime.opened_at <= now.downtime.last_bad_at
            assert now.downtime.last_bad_at <= (now.downtime.good_since or now.downtime.last_bad_at)
            assert now.downtime.cause in {"timeout", "http_503", "refused", "throttled", "auth"}


@given(st.lists(st.builds(Ask, at=st.floats(0, 1e4), sign=st.sampled_from([GOOD, NEUTRAL]), probe=st.booleans())), policies)
def test_a_circuit_that_hears_nothing_bad_is_closed(asked: list[Ask], policy: Policy) -> None:
    assert after(asked, policy=policy).phase is Phase.CLOSED


@given(st.lists(asks, max_size=60).map(forward) | st.lists(asks, max_size=60), policies)
def test_whatever_happened_and_however_the_clock_jumped_it_closes_once_all_is_good(asked: list[Ask], policy: Policy) -> None:
    circuit = way(asked, policy)[-1]
    healing = [ask for i in range(5) for ask in (probe(70 + i, GOOD), call(70 + i, GOOD, f"{i}"))]
    assert after(healing, circuit, policy).phase is Phase.CLOSED


def test_the_answers_remembered_are_bounded() -> None:
    assert len(after([call(i, GOOD, f"{i}") for i in range(RECENT_MAX + 9)]).recent) == RECENT_MAX


def test_the_row_remembered_is_bounded() -> None:
    busy = after([call(i / 100, GOOD, f"{i}") for i in range(RECENT_MAX)])
    assert len(after([call(3 + i / 100, BAD, f"{i}") for i in range(ROW_MAX + 9)], busy).row) == ROW_MAX
