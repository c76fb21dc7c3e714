"""The guarantees, each with its sentence for when it is broken."""

from __future__ import annotations

from collections.abc import Iterator

from simulator.demo.result import Limits, Result


def broken(result: Result, limits: Limits) -> Iterator[str]:
    """Yield a sentence for each guarantee that *result* shows broken; it begins with the guarantee's name."""
    for count, sentence in (
        (result.lost, "lost: {} of the entries that desks were told are recorded are neither in the server's ledger nor kept"),
        (result.twice, "twice: {} doses took effect more than once"),
        (result.registered_twice, "registered: {} walk-ins are on the server's register more than once"),
        (result.wrong_person, "person: {} entries took effect for a person whom no desk meant by them"),
        (result.out_of_order, "order: {} entries took effect after one of the same person that was made later"),
        (result.look_ups_wrong, "look-ups: {} answers showed somebody else, or other doses than the person has had"),
        (result.ids_leaked, "leaked: {} provisional ids stand in what the server received"),
        (result.never_known, "answers: {} entries took effect, and the sidecar does not know it"),
        (result.held, "repaired: {} records still wait for a person"),
        (result.waiting, "drained: {} entries are still to be sent although the server is back"),
    ):
        if count:
            yield sentence.format(count)
    if result.not_recorded:
        reasons = ", ".join(f"{times} × {reason}" for reason, times in result.not_recorded.items())
        yield f"recorded: desks asked in vain: {reasons}"
    if result.longest_wait_s > (may_s := limits.wait_s + result.dead_s):
        yield f"wait: a desk waited {result.longest_wait_s:.1f} s for its answer, over {may_s:.1f} s"
    yield from _mismeasured(result, limits)


def _mismeasured(result: Result, limits: Limits) -> Iterator[str]:
    if result.outages_invented:
        yield f"measured: {result.outages_invented} outages are on the sidecar's record for a time without any fault"
    if result.outages_running:
        yield "measured: an outage is still running on the sidecar's record although the server is back"
    elif abs(result.outage_measured_s - result.outage_true_s) > limits.outage_off_s:
        yield (
            f"measured: the outage took {result.outage_true_s:.1f} s and {result.outage_measured_s:.1f} s are on record, "
            f"over {limits.outage_off_s:.1f} s off"
        )
