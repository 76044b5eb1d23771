"""The rules of webhooks: URLs, secrets, signatures, the schedule."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from noctule.webhooks.domain import (
    MOST_OLD_SECRETS,
    RETRY_SECONDS,
    BadTarget,
    Secret,
    Target,
    TooManySecrets,
    body_of,
    new_secret,
    next_attempt_at,
    packed,
    parse_target,
    rotated,
    signed_headers,
    still_good,
    unpacked,
)

NOW = datetime(2026, 1, 31, 23, 59, 50, tzinfo=UTC)


@pytest.mark.parametrize(
    ("url", "host", "port"),
    [
        ("https://hooks.example.com/a/b?c=d", "hooks.example.com", 443),
        ("http://hooks.example.com", "hooks.example.com", 80),
        ("https://hooks.example.com:8443/", "hooks.example.com", 8443),
        ("http://[2001:db8::1]:81/x", "2001:db8::1", 81),
        ("https://HOOKS.example.com/%20", "hooks.example.com", 443),
    ],
)
def test_a_url_is_taken_apart(url: str, host: str, port: int) -> None:
    assert parse_target(url) == Target(url, host, port)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("ftp://example.com/", "begins with"),
        ("//example.com/", "begins with"),
        ("file:///etc/passwd", "begins with"),
        ("https:///path", "names a host"),
        ("https://example.com:0/", "names a host"),
        ("https://example.com:99999/", "not a URL"),
        ("https://[::1/", "not a URL"),
        ("https://me:secret@example.com/", "user name"),
        ("https://example.com\\@10.0.0.1/", "ASCII"),
        ("https://example.com/a b", "ASCII"),
        ("https://example.com/\n", "ASCII"),
        ("https://b\u00fccher.example/", "ASCII"),
        ("https://example.com/#part", "fragment"),
        ("https://example.com/" + "a" * 2048, "2048"),
        ("", "ASCII"),
    ],
)
def test_what_no_message_can_be_sent_to_is_refused_without_repeating_it(url: str, reason: str) -> None:
    with pytest.raises(BadTarget, match=reason) as refused:
        parse_target(url)
    assert "secret" not in str(refused.value)


def test_a_message_is_signed_as_the_open_standard_says() -> None:
    now = datetime.now(UTC)
    secret = new_secret()
    body = body_of("session.ended", now, "workspace-1", {"tags": ["a", "ü"]}).encode()
    headers = signed_headers((secret,), "msg_1", body, now)
    told = Webhook(secret.text).verify(body, headers)
    assert told["type"] == "session.ended"
    assert told["data"] == {"tags": ["a", "ü"]}
    assert told["workspace_id"] == "workspace-1"
    assert datetime.fromisoformat(told["timestamp"]) == now
    for changed in (body + b" ", body.replace(b"a", b"b")):
        with pytest.raises(WebhookVerificationError):
            Webhook(secret.text).verify(changed, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(new_secret().text).verify(body, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(secret.text).verify(body, signed_headers((secret,), "msg_1", body, now - timedelta(minutes=6)))


def test_a_replaced_secret_signs_for_a_day_more() -> None:
    now = datetime.now(UTC)
    old, new = new_secret(), new_secret()
    held = rotated((old,), new, now)
    headers = signed_headers(held, "msg_1", b"{}", now)
    assert len(headers["webhook-signature"].split()) == 2
    for secret in (old, new):
        assert Webhook(secret.text).verify(b"{}", headers) == {}
    assert still_good(held, now + timedelta(hours=23)) == held
    assert [each.text for each in still_good(held, now + timedelta(hours=24))] == [new.text]


def test_a_second_rotation_does_not_shorten_the_first_ones_day() -> None:
    first, second, third = new_secret(), new_secret(), new_secret()
    held = rotated(rotated((first,), second, NOW), third, NOW + timedelta(hours=12))
    assert [each.until for each in held] == [None, NOW + timedelta(hours=36), NOW + timedelta(hours=24)]
    assert [each.key for each in held] == [third.key, second.key, first.key]


def test_old_secrets_do_not_heap_up() -> None:
    held: tuple[Secret, ...] = (new_secret(),)
    for _ in range(MOST_OLD_SECRETS):
        held = rotated(held, new_secret(), NOW)
    with pytest.raises(TooManySecrets):
        rotated(held, new_secret(), NOW)
    assert len(rotated(held, new_secret(), NOW + timedelta(hours=24))) == 2


def test_secrets_survive_being_packed_and_are_in_no_repr() -> None:
    held = rotated((new_secret(),), new_secret(), NOW)
    assert unpacked(packed(held)) == held
    assert held[0].text not in repr(held)
    assert repr(held[0].key) not in repr(held)


def test_attempts_follow_the_schedule_and_end() -> None:
    waits = [next_attempt_at(made, NOW, chance=0, retry_after=None) for made in range(1, 11)]
    assert waits == [*(NOW + timedelta(seconds=seconds) for seconds in RETRY_SECONDS), None]
    assert sum(RETRY_SECONDS) == timedelta(hours=75, minutes=35, seconds=5).total_seconds()


def test_chance_adds_up_to_a_tenth() -> None:
    assert next_attempt_at(2, NOW, chance=1, retry_after=None) == NOW + timedelta(seconds=330)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120),
        ("2", 5),
        ("7200", 3600),
        ("9" * 400, 3600),
        (format_datetime(NOW + timedelta(seconds=90), usegmt=True), 90),
        (format_datetime(NOW - timedelta(seconds=90), usegmt=True), 5),
        ("soon", 5),
        ("-1", 5),
        ("\u0663", 5),
        ("", 5),
        ("Mon, 99 Foo 0000 99:99:99 GMT", 5),
    ],
)
def test_a_receiver_may_ask_for_up_to_an_hour(header: str, seconds: int) -> None:
    at = next_attempt_at(1, NOW, chance=0, retry_after=header)
    assert at is not None
    assert (at - NOW).total_seconds() == pytest.approx(seconds, abs=1)
