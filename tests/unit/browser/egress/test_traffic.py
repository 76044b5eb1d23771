"""Totals count what has left, never fall, and the list of refusals has an end."""

from dataclasses import dataclass

from noctule.browser.egress.traffic import Refusal, Refusals, Traffic


@dataclass(eq=False)
class Waiting:
    bytes: int
    pooled: bool = False
    aborted: bool = False

    def unsent(self) -> int:
        return self.bytes

    def abort(self) -> None:
        self.aborted = True


def test_what_still_waits_is_not_counted() -> None:
    traffic = Traffic()
    traffic.sent, traffic.proxied = 100, 100
    traffic.live = {Waiting(30), Waiting(10, pooled=True)}
    assert (traffic.request_bytes, traffic.proxied_bytes) == (60, 90)


def test_dropping_a_connection_changes_no_total() -> None:
    traffic = Traffic()
    traffic.sent, traffic.proxied, traffic.received = 100, 100, 7
    connection = Waiting(30, pooled=True)
    traffic.live = {connection}
    traffic.forget_unsent(connection)
    assert (traffic.request_bytes, traffic.proxied_bytes, traffic.response_bytes) == (70, 70, 7)


def test_a_reset_starts_at_zero_even_while_bytes_wait() -> None:
    traffic = Traffic()
    traffic.sent, traffic.proxied, traffic.received = 100, 100, 7
    connection = Waiting(30, pooled=True)
    traffic.live = {connection}
    traffic.reset()
    assert (traffic.request_bytes, traffic.proxied_bytes, traffic.response_bytes) == (0, 0, 0)
    connection.bytes = 0
    assert (traffic.request_bytes, traffic.proxied_bytes) == (30, 30)


def test_refusals_after_a_mark_come_in_order_and_are_bounded() -> None:
    refusals = Refusals()
    refusals.add(_refusal(0))
    mark = refusals.mark()
    assert refusals.since(mark) == []
    refusals.add(_refusal(1))
    refusals.add(_refusal(2))
    assert [refusal.port for refusal in refusals.since(mark)] == [1, 2]
    for port in range(3, 1000):
        refusals.add(_refusal(port))
    kept = refusals.since(mark)
    assert len(kept) == 256
    assert kept[-1].port == 999


def _refusal(port: int) -> Refusal:
    return Refusal("a.example", port, "private-address", "no")
