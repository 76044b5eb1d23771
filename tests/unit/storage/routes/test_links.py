"""``GET /files/{token}/{name}``: no page of ours, no header of theirs, parts as asked."""

from datetime import timedelta
from urllib.parse import urlsplit

import pytest

from noctule.objects.links import Linked, Links
from noctule.objects.store import key
from tests.unit.storage.house import House, Served, serve

KEY = key("files", "w", "1")
CONTENT = bytes(range(100))
LASTS = timedelta(minutes=15)


async def link(house: House, name: str, content_type: str, *, is_inline: bool = False) -> str:
    """The address of a file."""
    await house.objects.put(KEY, CONTENT)
    return house.links.url("http://noctule", Linked(KEY, name, content_type, is_inline), LASTS)


@pytest.mark.parametrize(
    "name",
    ["a.html", 'a"; filename="b.exe', "a\r\nset-cookie: x=1", "\u202egpj.exe", "../../x", "日本 %00.svg", "a;b='c'"],
)
@pytest.mark.parametrize("is_inline", [True, False])
def test_no_name_makes_a_header_or_a_page(house: House, name: str, is_inline: bool) -> None:
    async def body(served: Served) -> None:
        told = await served.mine.get(await link(house, name, "text/html", is_inline=is_inline))
        assert told.content == CONTENT
        disposition = told.headers["content-disposition"]
        assert disposition.startswith("inline;" if is_inline else "attachment;")
        assert disposition.isascii()
        assert disposition.count('"') == 2
        assert told.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
        assert told.headers["x-content-type-options"] == "nosniff"
        assert "set-cookie" not in told.headers

    serve(house, body)


@pytest.mark.parametrize(
    ("asked", "status", "first", "last"),
    [
        ("bytes=0-0", 206, 0, 0),
        ("bytes=10-19", 206, 10, 19),
        ("bytes=90-", 206, 90, 99),
        ("bytes=90-5000", 206, 90, 99),
        ("bytes=-10", 206, 90, 99),
        ("bytes=-5000", 206, 0, 99),
        (" bytes=0-0 ", 206, 0, 0),
        ("bytes=0-1,5-6", 200, 0, 99),
        ("bytes=5-2", 200, 0, 99),
        ("bytes=-", 200, 0, 99),
        ("bytes=a-b", 200, 0, 99),
        ("items=0-1", 200, 0, 99),
        ("bytes=" + "9" * 30 + "-", 200, 0, 99),
    ],
)
def test_a_part_is_what_was_asked_for(house: House, asked: str, status: int, first: int, last: int) -> None:
    async def body(served: Served) -> None:
        url = await link(house, "a.bin", "application/octet-stream")
        for method in ("GET", "HEAD"):
            told = await served.mine.request(method, url, headers={"range": asked})
            assert told.status_code == status
            assert told.content == (CONTENT[first : last + 1] if method == "GET" else b"")
            assert told.headers["content-length"] == str(last + 1 - first)
            assert told.headers["accept-ranges"] == "bytes"
            assert told.headers.get("content-range") == (f"bytes {first}-{last}/100" if status == 206 else None)

    serve(house, body)


@pytest.mark.parametrize("asked", ["bytes=100-", "bytes=100-200", "bytes=-0"])
def test_a_part_that_is_not_there_is_refused_with_the_size(house: House, asked: str) -> None:
    async def body(served: Served) -> None:
        told = await served.mine.get(await link(house, "a.bin", "text/plain"), headers={"range": asked})
        assert (told.status_code, told.content, told.headers["content-range"]) == (416, b"", "bytes */100")

    serve(house, body)


def test_an_empty_file_is_whole(house: House) -> None:
    async def body(served: Served) -> None:
        url = await link(house, "a.bin", "text/plain")
        await house.objects.put(KEY, b"")
        told = await served.mine.get(url)
        assert (told.status_code, told.content, told.headers["content-length"]) == (200, b"", "0")
        assert (await served.mine.get(url, headers={"range": "bytes=0-"})).status_code == 416

    serve(house, body)


def test_the_token_alone_opens_a_file_and_only_ours_and_only_for_its_time(house: House) -> None:
    async def body(served: Served) -> None:
        url = await link(house, "a.bin", "text/plain")
        token = urlsplit(url).path.split("/")[2]
        assert (await served.mine.get(f"/files/{token}/whatever/it is.called")).content == CONTENT
        foreign = Links(type(house.sealer)(bytes([1]) * 32), house.clock).url(
            "http://noctule", Linked(KEY, "a.bin", "text/plain"), LASTS
        )
        for wrong in (foreign, url.replace(token, token[:-2]), url.replace(token, "x"), "/files/x/../../a"):
            assert (await served.mine.get(wrong)).status_code == 404
        await house.objects.delete([KEY])
        assert (await served.mine.get(url)).status_code == 404
        await house.objects.put(KEY, CONTENT)
        house.clock.advance(LASTS.total_seconds())
        assert (await served.mine.get(url)).status_code == 404

    serve(house, body)
