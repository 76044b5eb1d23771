"""One POST to a stranger: judged, pinned, bounded."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from noctule.browser.egress.policy import EgressPolicy
from noctule.webhooks.domain import parse_target
from noctule.webhooks.service import Outcome, Poster
from tests.support.origin import Origin
from tests.unit.webhooks.receiver import Receiver, status


def _post(poster: Poster, url: str) -> Outcome:
    return asyncio.run(asyncio.wait_for(poster.post(parse_target(url), {"X-Test": "1"}, b"{}"), 20))


def _allowing(receiver: Receiver, timeout_seconds: float = 10.0) -> Poster:
    return Poster(EgressPolicy([f"127.0.0.1:{receiver.port}"]), timeout_seconds=timeout_seconds)


def test_a_message_arrives_and_its_answer_is_told(receiver: Receiver) -> None:
    assert _post(_allowing(receiver), receiver.url("/hook?a=%2F")) == Outcome(204)
    [came] = receiver.requests
    assert came.body == b"{}"
    assert came.headers["x-test"] == "1"
    assert came.path == "/hook?a=%2F"
    assert came.headers["host"] == f"127.0.0.1:{receiver.port}"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0x7f000001", "127.1", "[::ffff:127.0.0.1]", "2130706433"])
def test_what_the_policy_refuses_is_not_connected_to(receiver: Receiver, host: str) -> None:
    outcome = _post(Poster(EgressPolicy([])), f"http://{host}:{receiver.port}/hook")
    assert outcome.status is None
    assert outcome.error is not None
    assert "egress rule 'loopback-address'" in outcome.error
    assert receiver.requests == []


def test_a_port_of_the_server_itself_is_refused_whatever_is_allowed(receiver: Receiver) -> None:
    policy = EgressPolicy(["127.0.0.0/8"])
    policy.own_ports.add(receiver.port)
    outcome = _post(Poster(policy), receiver.url("/hook"))
    assert "own-port" in (outcome.error or "")
    assert receiver.requests == []


class _Changing:
    """A name that leads somewhere else each time that it is asked for."""

    def __init__(self, *answers: str) -> None:
        self._answers = list(answers)

    async def resolve(self, host: str) -> Sequence[str]:
        return [self._answers.pop(0)]


def test_a_name_is_asked_for_once_and_its_answer_is_pinned(receiver: Receiver) -> None:
    resolver = _Changing("127.0.0.1", "10.0.0.1")
    policy = EgressPolicy([f"hooks.example:{receiver.port}"], resolver=resolver)
    assert _post(Poster(policy), f"http://hooks.example:{receiver.port}/hook") == Outcome(204)
    assert receiver.requests[0].headers["host"] == f"hooks.example:{receiver.port}"


@pytest.mark.parametrize("spelling", ["127.1", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]"])
def test_an_address_in_another_spelling_is_refused_with_the_usual_one(receiver: Receiver, spelling: str) -> None:
    outcome = _post(_allowing(receiver), f"http://{spelling}:{receiver.port}/hook")
    assert outcome == Outcome(error="an address is written in its usual form: 127.0.0.1")
    assert receiver.requests == []


def test_a_proxy_of_the_environment_is_not_asked(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert _post(_allowing(receiver), receiver.url("/hook")) == Outcome(204)


def test_credentials_of_the_machine_are_not_sent(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    _post(_allowing(receiver), receiver.url("/hook"))
    assert "authorization" not in receiver.requests[0].headers


def test_a_redirect_is_a_failure_and_not_followed(receiver: Receiver) -> None:
    receiver.answer("/moved", status(307, Location=receiver.url("/hook")))
    outcome = _post(_allowing(receiver), receiver.url("/moved"))
    assert outcome.status == 307
    assert "not followed" in (outcome.error or "")
    assert receiver.at("/hook") == []


def test_a_failure_carries_its_status_and_what_it_asks_for(receiver: Receiver) -> None:
    receiver.answer("/busy", status(503, Retry_After="120"))
    assert _post(_allowing(receiver), receiver.url("/busy")) == Outcome(503, "answered 503", "120")


def test_silence_ends_in_time(receiver: Receiver) -> None:
    outcome = _post(_allowing(receiver, timeout_seconds=0.2), receiver.url("/hold"))
    assert outcome == Outcome(error="no answer within 0.2 seconds")


@pytest.mark.slow
def test_an_endless_answer_is_not_read_to_its_end(receiver: Receiver) -> None:
    receiver.answer("/endless", b"HTTP/1.1 200 OK\r\n\r\n")
    assert _post(_allowing(receiver), receiver.url("/endless")) == Outcome(200)


@pytest.mark.slow
def test_an_answer_whose_rest_does_not_come_counts_by_its_status(receiver: Receiver) -> None:
    receiver.answer("/mute", b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n", status(500))
    assert _post(_allowing(receiver), receiver.url("/mute")) == Outcome(200)


@pytest.mark.parametrize(
    "answer",
    [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\nX: " + b"a" * 100_000 + b"\r\n\r\n", b"HTTP/1.1 2x0 OK\r\n\r\n"],
)
def test_what_is_no_http_is_a_failure(receiver: Receiver, answer: bytes) -> None:
    receiver.answer("/odd", answer)
    outcome = _post(_allowing(receiver), receiver.url("/odd"))
    assert outcome.status is None
    assert "no valid answer" in (outcome.error or "")


def test_a_closed_port_is_a_failure_that_says_so(receiver: Receiver) -> None:
    outcome = _post(Poster(EgressPolicy(["127.0.0.1"])), "http://127.0.0.1:9/hook")
    assert "could not connect" in (outcome.error or "")


def test_a_certificate_that_nobody_signed_is_refused() -> None:
    with Origin() as origin:
        outcome = _post(Poster(EgressPolicy([f"127.0.0.1:{origin.tls_port}"])), origin.tls_url)
        assert "certificate" in (outcome.error or "")
        assert origin.requests == []
