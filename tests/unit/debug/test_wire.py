"""What a viewer may say, addresses as people type them, and frames as they go out."""

import json

import pytest

from noctule.debug import wire


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ('{"type": "receipt"}', wire.Receipt()),
        ('{"type": "hello", "who": "0123456789abcdef"}', wire.Hello("0123456789abcdef")),
        (
            '{"type": "mouse", "kind": "down", "x": 1.5, "y": 2, "button": "left", "buttons": 1, "clicks": 2, '
            '"modifiers": 8}',
            wire.MouseInput("down", 1.5, 2.0, "left", 1, 2, 8),
        ),
        ('{"type": "wheel", "x": 0, "y": 0, "dx": -3, "dy": 4}', wire.WheelInput(0, 0, -3, 4)),
        ('{"type": "key", "kind": "up", "key": "a"}', wire.KeyInput("up", "a")),
        ('{"type": "text", "text": "é…"}', wire.TextInput("é…")),
        ('{"type": "compose", "text": "に", "caret": 1}', wire.ComposeInput("に", 1)),
        ('{"type": "copy"}', wire.Copy()),
        ('{"type": "take_over"}', wire.TakeOver()),
        ('{"type": "hand_back"}', wire.HandBack()),
        ('{"type": "go", "url": "example.com"}', wire.Go("example.com")),
        ('{"type": "move", "to": "back"}', wire.Move("back")),
        ('{"type": "open"}', wire.Open("about:blank")),
        ('{"type": "show", "tab": "T"}', wire.Show("T")),
        ('{"type": "shut", "tab": "T"}', wire.Shut("T")),
    ],
)
def test_every_message_is_understood(said: str, meant: wire.Said) -> None:
    assert wire.read(said) == meant


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ("", "not JSON"),
        ('{"type": ', "not JSON"),
        ("[" * 100_000, "object"),
        ("[]", "object"),
        ("{}", "type"),
        ('{"type": "stop"}', "stop"),
        ('{"type": "receipt", "number": 1}', "number"),
        ('{"type": "mouse", "kind": "fly", "x": 0, "y": 0}', "fly"),
        ('{"type": "mouse", "kind": "move", "x": 100001, "y": 0}', "x"),
        ('{"type": "mouse", "kind": "move", "x": "1", "y": 0}', "x"),
        ('{"type": "key", "kind": "down", "key": "a", "key_code": 256}', "key_code"),
        ('{"type": "key", "kind": "down", "key": "' + "a" * 65 + '"}', "key"),
        ('{"type": "go", "url": ""}', "url"),
        ('{"type": "hello", "who": "<script>"}', "who"),
    ],
)
def test_anything_else_is_refused_with_words(said: str, problem: str) -> None:
    with pytest.raises(ValueError) as refused:
        wire.read(said)
    assert problem in str(refused.value)


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        ("example.com", "https://example.com"),
        ("  example.com/path?q=a:b ", "https://example.com/path?q=a:b"),
        ("example.com:8443/x", "https://example.com:8443/x"),
        ("localhost:3000", "http://localhost:3000"),
        ("127.0.0.1:8484/docs", "http://127.0.0.1:8484/docs"),
        ("[::1]:80", "http://[::1]:80"),
        ("HTTP://example.com", "HTTP://example.com"),
        ("about:blank", "about:blank"),
        ("data:text/html,x", "data:text/html,x"),
        # These are refused by who opens them; they are not to become something else on the way.
        ("file:///etc/passwd", "file:///etc/passwd"),
        ("javascript:alert(1)", "javascript:alert(1)"),
        ("chrome://history", "chrome://history"),
    ],
)
def test_an_address_is_read_as_an_address_bar_reads_it(typed: str, address: str) -> None:
    assert wire.address(typed) == address


def test_a_frame_is_a_length_a_head_and_a_picture() -> None:
    packed = wire.packed({"width": 2}, b"\xff\xd8jpeg")
    length = int.from_bytes(packed[:4], "big")
    assert json.loads(packed[4 : 4 + length]) == {"width": 2}
    assert packed[4 + length :] == b"\xff\xd8jpeg"
