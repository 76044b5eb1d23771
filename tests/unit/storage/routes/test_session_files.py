"""``/sessions/{id}/files``, behind the real gate: forms, pages, bytes and parts."""

import hashlib
from typing import Any

import pytest

from noctule.storage.service.service import FOR_EVER
from tests.unit.storage.house import SID, SID_TOO, House, Served, pieces, serve

FILES = f"/sessions/{SID}/files"


def test_a_file_from_its_upload_to_its_end(house: House) -> None:
    async def body(served: Served) -> None:
        made = (await served.upload(FILES, b"hello", 'naïve "1" 日本.txt')).json()
        assert made == {
            "id": made["id"],
            "session_id": SID,
            "filename": 'naïve "1" 日本.txt',
            "mime_type": "text/plain",
            "size": 5,
            "checksum": hashlib.sha256(b"hello").hexdigest(),
            "created_at": made["created_at"],
            "expires_at": FOR_EVER.isoformat().replace("+00:00", "Z"),
            "source": "user_upload",
        }
        listed = (await served.mine.get(FILES)).json()
        assert listed == {"files": [made], "total": 1, "limit": 100, "offset": 0}
        read = await served.mine.get(f"{FILES}/{made['id']}")
        assert (read.content, read.headers["content-type"]) == (b"hello", "text/plain")
        assert read.headers["content-disposition"].startswith("attachment;")
        part = await served.mine.get(f"{FILES}/{made['id']}", headers={"range": "bytes=1-2"})
        assert (part.status_code, part.content, part.headers["content-range"]) == (206, b"el", "bytes 1-2/5")
        for path in (f"/sessions/{SID_TOO}/files/{made['id']}", f"{FILES}/never", f"{FILES}/%2e%2e"):
            assert (await served.mine.get(path)).status_code == 404
            assert (await served.mine.delete(path)).status_code == 404
        assert (await served.theirs.get(f"{FILES}/{made['id']}")).status_code == 404
        gone = await served.mine.delete(f"{FILES}/{made['id']}")
        assert (gone.status_code, gone.content) == (204, b"")
        assert house.on_disk() == []

    serve(house, body)


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "offset=-1", "source=other", "offset=99999999999999999999"])
def test_a_page_that_cannot_be_is_refused(house: House, query: str) -> None:
    async def body(served: Served) -> None:
        assert (await served.mine.get(f"{FILES}?{query}")).status_code == 422

    serve(house, body)


@pytest.mark.parametrize(
    ("name", "why"),
    [("", "no filename"), ("../x", "no /"), ("a\\b", "no /"), ("..", "not . or .."), ("日" * 86, "at most 255 bytes")],
)
def test_a_name_that_cannot_be_one_is_refused(house: House, name: str, why: str) -> None:
    async def body(served: Served) -> None:
        refused = await served.upload(FILES, b"x", name)
        assert refused.status_code == 422
        assert why in refused.json()["message"] or not name
        assert house.on_disk() == []

    serve(house, body)


def form(*parts: tuple[str, bytes], end: bytes = b"--b--\r\n") -> bytes:
    """A form with the boundary ``b``; each part has a disposition and a content."""
    return (
        b"".join(
            f"--b\r\ncontent-disposition: form-data; {how}\r\n\r\n".encode() + content + b"\r\n"
            for how, content in parts
        )
        + end
    )


FILE = 'name="file"; filename="a.txt"'
BROKEN: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "cut off"),
    "no parts": (b"--b--\r\n", "Field required"),
    "another part": (form(('name="other"', b"x")), "Field required"),
    "cut off after the file": (form((FILE, b"x"), end=b""), "cut off"),
    "cut off in the file": (form((FILE, b"x"), end=b"")[:-3], "cut off"),
    "cut off before the file": (b"--b\r\ncontent-dispo", "cut off"),
    "two files": (form((FILE, b"x"), (FILE, b"y")), "more than one file"),
    "no form": (b"hello", "cannot be read"),
    "a name that is no text": (form((FILE, b"x")).replace(b"a.txt", b"\xff"), "not UTF-8"),
    "too much else": (form(('name="other"', bytes(1024 * 1024 + 1)), (FILE, b"x")), "too much"),
    "too much after it": (form((FILE, b"x")) + bytes(1024 * 1024 + 70_000), "too much"),
    "too many parts": (form(*[('name="other"', b"")] * 101, (FILE, b"x")), "more than 100 parts"),
    "a header without an end": (b"--b\r\nx-" + b"a" * 100_000, "cannot be read"),
}


@pytest.mark.parametrize("broken", BROKEN)
def test_a_form_that_is_none_is_refused_and_nothing_is_kept(house: House, broken: str) -> None:
    content, why = BROKEN[broken]

    async def body(served: Served) -> None:
        headers = {"content-type": "multipart/form-data; boundary=b"}
        refused = await served.mine.post(FILES, content=pieces(content, 1000), headers=headers)
        assert (refused.status_code, why in refused.json()["message"]) == (422, True), refused.text
        assert house.on_disk() == []

    serve(house, body)


@pytest.mark.parametrize("length", [str(102 * 1024 * 1024), "9" * 30])
def test_a_form_that_says_that_it_is_too_large_is_not_read(house: House, length: str) -> None:
    async def body(served: Served) -> None:
        headers = {"content-type": "multipart/form-data; boundary=b", "content-length": length}
        refused = await served.mine.post(FILES, content=form((FILE, b"x")), headers=headers)
        assert (refused.status_code, "100 MiB" in refused.json()["message"]) == (413, True)
        assert refused.headers["connection"] == "close"
        assert house.on_disk() == []

    serve(house, body)


@pytest.mark.parametrize("content_type", ["application/json", "multipart/form-data", "text/plain; boundary=b", None])
def test_a_body_that_is_no_form_is_refused(house: House, content_type: str | None) -> None:
    async def body(served: Served) -> None:
        headers: Any = {} if content_type is None else {"content-type": content_type}
        refused = await served.mine.post(FILES, content=b"{}", headers=headers)
        assert refused.status_code == 422
        assert "multipart/form-data" in refused.json()["message"]

    serve(house, body)


def test_fields_around_the_file_and_an_end_that_goes_on_do_not_matter(house: House) -> None:
    async def body(served: Served) -> None:
        content = b"--b \r\n--bb\r\n\r\n--" * 5000
        whole = form(('name="path"', b"/etc/hosts"), (FILE, content), ('name="note"', b"x")) + b"epilogue"
        made = await served.mine.post(
            FILES, content=whole, headers={"content-type": 'multipart/form-data; boundary="b"; charset=utf-8'}
        )
        assert made.json()["size"] == len(content), made.text
        assert (await served.mine.get(f"{FILES}/{made.json()['id']}")).content == content

    serve(house, body)


def test_an_idempotency_key_repeats_the_answer_and_not_the_file(house: House) -> None:
    async def body(served: Served) -> None:
        key = {"idempotency-key": "k-1"}
        first = await served.upload(FILES, b"once", headers=key)
        again = await served.upload(FILES, b"once", headers=key)
        assert again.json() == first.json()
        assert (await served.mine.get(FILES)).json()["total"] == 1

    serve(house, body)
