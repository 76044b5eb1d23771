"""JSON as it is read and written: one reading, whatever tricks the text plays."""

import contextlib
import json

import pytest

from noctule.browser.relay import messages


@pytest.mark.parametrize(
    ("text", "method", "url"),
    [
        ('{"method":"Page.navigate","params":{"url":"https://a.test","url":"file:///x"}}', "Page.navigate", "file:///x"),
        ('{"method":"P\\u0061ge.navigate","params":{"\\u0075rl":"\\u0066ile:///x"}}', "Page.navigate", "file:///x"),
        ('{"method":"Runtime.enable","method":"Page.navigate","params":{"url":"file:///x"}}', "Page.navigate", "file:///x"),
    ],
)  # fmt: skip
def test_escapes_and_duplicates_are_gone_after_one_reading(text: str, method: str, url: str) -> None:
    message = messages.parse(text.encode())
    assert (message["method"], message["params"]["url"]) == (method, url)
    written = messages.dump(message)
    assert json.loads(written) == message
    assert written.count(b'"url"') == 1
    assert b"\\u0" not in written


def test_half_a_surrogate_pair_survives() -> None:
    message = messages.parse(b'{"params":{"expression":"\'\\ud83d\'"}}')
    assert messages.dump(message) == b'{"params":{"expression":"\'\\ud83d\'"}}'


def test_large_integers_survive_reading_and_writing() -> None:
    for text in (b'{"id":9007199254740993}', b'{"id":18446744073709551615}'):
        assert messages.dump(messages.parse(text)) == text


@pytest.mark.parametrize("text", [b"", b"{", b"{'a':1}", b'{"a":NaN}', b'{"a":Infinity}', b'{"a":1}{"b":2}',
                                  b"\xef\xbb\xbf{}", b"[" * 100_000])  # fmt: skip
def test_what_is_not_json_is_told_apart(text: bytes) -> None:
    with pytest.raises(messages.NotAMessage):
        messages.parse(text)


@pytest.mark.parametrize("text", [b'{"a":"\xff"}', b'{"a":"\xed\xa0\xbd"}', '{"a":1}'.encode("utf-16")])
def test_bytes_that_are_not_utf_8_are_not_text(text: bytes) -> None:
    with pytest.raises(messages.NotText):
        messages.parse(text)


def test_deep_nesting_is_kept_or_refused_but_never_crashes() -> None:
    for depth in (100, 300, 900):
        deep = b'{"a":' * depth + b"1" + b"}" * depth
        with contextlib.suppress(messages.NotAMessage):
            assert messages.dump(messages.parse(deep)) == deep


def test_a_reply_carries_the_calls_id_and_session() -> None:
    assert messages.parse(messages.reply({"id": 3, "sessionId": "S"}, result={})) == {
        "id": 3,
        "sessionId": "S",
        "result": {},
    }
    assert messages.parse(messages.reply([], error={"code": 1})) == {"id": None, "error": {"code": 1}}
