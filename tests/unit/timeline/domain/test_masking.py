"""Secrets that must not be kept, in every place where they can be met."""

import base64
import json
import time
from typing import Any
from urllib.parse import quote

import pytest

from noctule.timeline.domain import MASK, Masker
from noctule.timeline.domain.masking import is_secret_name

SECRET = 'hunter2-ünd "more"'


def masked(data: dict[str, Any], *secrets: str) -> str:
    return json.dumps(Masker(secrets).data(data), ensure_ascii=False)


def exchange(**more: Any) -> dict[str, Any]:
    return {"request": {"headers": more.pop("sent", []), **more}, "response": {"headers": more.pop("received", [])}}


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("Authorization", "Bearer abc.def", f"Bearer {MASK}"),
        ("authorization", "abcdefgh", MASK),
        ("Proxy-Authorization", "Basic dXNlcg==", f"Basic {MASK}"),
        ("Cookie", "session=s3cret; theme=dark", f"session={MASK}; theme={MASK}"),
        ("Set-Cookie", "sid=s3cret; Path=/; HttpOnly", f"sid={MASK}; Path=/; HttpOnly"),
        ("X-Api-Key", "abc", MASK),
        ("x-csrf-token", "abc", MASK),
        ("X-Amz-Security-Token", "abc", MASK),
        ("Referer", "https://a/?token=abc&page=2", f"https://a/?token={MASK}&page=2"),
        ("Sec-WebSocket-Key", "x3JJHMbDL1EzLkh9GBhXDw==", "x3JJHMbDL1EzLkh9GBhXDw=="),
        ("Accept", "text/html;q=0.9", "text/html;q=0.9"),
    ],
)
def test_headers(name: str, value: str, shown: str) -> None:
    assert Masker().header(name, value) == shown
    assert Masker().data({"request": {"headers": [[name, value]]}}) == {"request": {"headers": [[name, shown]]}}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://user:pw@a.example/x", f"https://{MASK}@a.example/x"),
        ("https://a/?access_token=abc&x=1#id_token=def", f"https://a/?access_token={MASK}&x=1#id_token={MASK}"),
        ("https://a/cb?code=0123456789abcdef01&country_code=49", f"https://a/cb?code={MASK}&country_code=49"),
        ("https://a/?X-Amz-Signature=abc", f"https://a/?X-Amz-Signature={MASK}"),
        ("user=me&password=hunter2&city=x", f"user=me&password={MASK}&city=x"),
        ("user%5Bpassword%5D=hunter2", f"user%5Bpassword%5D={MASK}"),
        ('{"user":"me","password":"hun\\"ter2","n":1}', f'{{"user":"me","password":"{MASK}","n":1}}'),
        ('{"pin": 1234, "page": 2}', f'{{"pin": "{MASK}", "page": 2}}'),
        ('{"client_secret":"cut of', f'{{"client_secret":"{MASK}"'),
        ("{'apiKey': 'abc'}", f"{{'apiKey': '{MASK}'}}"),
        ("logged in with Bearer abcdefgh.ijk", f"logged in with Bearer {MASK}"),
        ("jwt eyJhbGciOi.eyJzdWIiOi.c2lnbmF0", f"jwt {MASK}"),
        ("key sk-0123456789abcdefghij", f"key {MASK}"),
        ("author=me&passage=12&tokenizer=x&monkey=1", "author=me&passage=12&tokenizer=x&monkey=1"),
        ("width=5&key=x", "width=5&key=x"),
    ],
)
def test_texts(text: str, shown: str) -> None:
    assert Masker().text(text) == shown


def test_a_multipart_form() -> None:
    text = (
        '--b\r\nContent-Disposition: form-data; name="password"\r\n\r\nhunter2\r\n'
        '--b\r\nContent-Disposition: form-data; name="city"\r\n\r\nBerlin\r\n--b--'
    )
    shown = Masker().text(text)
    assert "hunter2" not in shown
    assert "Berlin" in shown


@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        quote(SECRET, safe=""),
        json.dumps(SECRET)[1:-1],
        json.dumps(SECRET, ensure_ascii=False)[1:-1],
        base64.b64encode(SECRET.encode()).decode(),
    ],
)
def test_a_known_secret_is_masked_however_it_is_encoded(form: str) -> None:
    data = {"text": f"a {form} b", "url": f"http://a/{form}", "list": [[form]], form: {"x": form}}
    assert form not in masked(data, SECRET)


def test_a_known_secret_that_a_long_text_was_cut_in_is_masked() -> None:
    text = "x" * 4000 + SECRET[:7] + "…"
    assert Masker([SECRET]).text(text) == "x" * 4000 + MASK


def test_a_short_text_is_not_taken_for_a_secret() -> None:
    assert Masker(["1", ""]).text("page 1 of 11") == "page 1 of 11"


def test_bodies_are_masked_by_their_kind() -> None:
    def body(mime: str, text: str) -> dict[str, Any]:
        return {"response": {"mime_type": mime, "headers": [], "body": {"text": text}}}

    assert "abc" not in masked(body("application/json", '{"access_token":"abc"}'))
    assert "password=x" in masked(body("text/html", "<script>password=x</script>"))
    assert SECRET not in masked(body("text/html", f"<p>{SECRET}"), SECRET)
    encoded = base64.b64encode(f"..{SECRET}..".encode()).decode()
    hidden = Masker([SECRET]).data({"response": {"headers": [], "body": {"text": encoded, "encoding": "base64"}}})
    assert hidden["response"]["body"]["text"] == ""


def test_fields_of_any_depth_whose_names_are_secret() -> None:
    shown = masked({"value": {"action": {"password": "hunter2", "otp": 123456, "tokens": ["x"], "is_secret": True}}})
    assert "hunter2" not in shown
    assert "123456" not in shown
    assert json.loads(shown)["value"]["action"]["is_secret"] is True


def test_masking_twice_changes_nothing() -> None:
    masker = Masker([SECRET])
    text = f'https://u:p@a/?token=abc {{"password":"x"}} {SECRET} Bearer abcdefghi'
    assert masker.text(masker.text(text)) == masker.text(text)


@pytest.mark.parametrize(
    "name", ["password", "userPassword", "new-password", "apiKey", "API_KEY", "card[number]", "csrf"]
)
def test_names_of_secrets(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize("name", ["author", "key", "keyboard", "page", "passenger", "country_code", "design", "spin"])
def test_other_names(name: str) -> None:
    assert not is_secret_name(name)


def test_json_within_json() -> None:
    inner = json.dumps({"token": 'a"b\\c', "n": 1, "nested": {"password": "x,y}"}})
    shown = Masker().text(json.dumps({"data": inner}))
    assert json.loads(json.loads(shown)["data"]) == {"token": MASK, "n": 1, "nested": {"password": MASK}}


@pytest.mark.parametrize(
    "text",
    [
        "a" * 300_000,
        "eyJaaaa-" * 40_000,
        'name="a"\r\n' * 30_000,
        '"a":"' * 60_000,
        '\\"ab\\":\\"x' * 30_000,
        "://a" * 70_000,
        "=a" * 150_000,
        "Bearer " * 40_000,
    ],
)
def test_no_text_of_a_page_makes_masking_slow(text: str) -> None:
    # In quadratic time it would take minutes.
    assert Masker(["hunter2-hunter2"]).text(text)


@pytest.mark.parametrize(
    "piece", ["a=", '"ab":"', '\\"ab\\":\\"', 'name="a"', 'name="a"\r\n', "://", "eyJaaaaaa.", "Bearer ", '"ab" ', "\\"]
)
def test_a_text_that_is_made_to_be_hard_to_mask_costs_little(piece: str) -> None:
    text = (piece * 262144)[:262144]
    began = time.process_time()
    Masker(["hunter2-secret"]).text(text)
    assert time.process_time() - began < 1.0


def test_half_a_surrogate_pair_becomes_a_sign_that_can_be_written() -> None:
    masked = Masker(["hunter2"]).data({"text": "before \ud83d after", "headers": [["X-\ud83d", "é\udfff"]]})
    assert masked == {"text": "before ? after", "headers": [["X-?", "é?"]]}


def test_a_text_that_says_that_it_was_cut_does_not_end_in_a_part_of_a_secret() -> None:
    assert Masker(["a-long-secret"]).data({"url": "data:,a-long-se…"}) == {"url": f"data:,{MASK}"}
