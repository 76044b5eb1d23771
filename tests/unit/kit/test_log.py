"""No secret leaves in a log line."""

import logging

import pytest

from noctule.kit.log import configure, redact

SECRET = "s3cretS3cretS3cret"


@pytest.mark.parametrize(
    "text",
    [
        f"noct_{SECRET}",
        f"Authorization: Bearer {SECRET}",
        f"authorization=bearer {SECRET} next",
        f"GET /sessions/1/cdp?token={SECRET}",
        f"GET /x?a=1&token={SECRET}&b=2",
        f"wss://h/x?jwt={SECRET}#f",
        f"?api_key={SECRET}",
        f"GET /devtools/{SECRET}{SECRET}/inspector.html",
        f"GET /files/{SECRET}{SECRET}/name.pdf",
        f"inspector.html?ws=h%2Fx%3Ftoken%3D{SECRET}",
        f"proxy http://user:{SECRET}@10.0.0.1:3128 refused",
        f"socks5://{SECRET}@host",
        f"http://user:p@{SECRET}@host",
        f'{{"url": "postgresql://n:{SECRET}@db/x"}}',
    ],
)
def test_what_looks_like_a_credential_is_replaced(text: str) -> None:
    assert SECRET not in redact(text)
    assert "[redacted]" in redact(text)


@pytest.mark.parametrize(
    "text", ["GET /sessions?page=2", "a@b.example wrote", "https://example.org/x@y", "token of a session"]
)
def test_the_rest_stays(text: str) -> None:
    assert redact(text) == text


def test_every_record_passes_the_redactor_traces_too(capsys: pytest.CaptureFixture[str]) -> None:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        configure("info")
        try:
            raise RuntimeError(f"http://u:{SECRET}@proxy")
        except RuntimeError:
            logging.getLogger("x").exception("failed with %s", f"noct_{SECRET}")
        logging.getLogger("x").debug("quiet")
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
    written = capsys.readouterr().err
    assert "failed with" in written
    assert "RuntimeError" in written
    assert SECRET not in written
    assert "quiet" not in written
