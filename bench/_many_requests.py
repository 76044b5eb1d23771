"""An origin in a process of its own: ``/page`` asks for 100 scripts of 160 bytes each, ``/small`` for nothing.

Prints its port. ``?wait=N`` of a page makes its scripts come N milliseconds late, as they do from elsewhere.

    python -m bench._many_requests
"""

import asyncio
from urllib.parse import parse_qs, urlsplit

REQUESTS = 100
_SMALL = b"<!doctype html><title>Small</title><form><input id=name><button>Go</button></form>"
_SCRIPT = b"var a=1;" * 20


def _page(wait: str) -> bytes:
    scripts = "".join(f"<script src='/s{number}.js?wait={wait}'></script>" for number in range(REQUESTS))
    return f"<!doctype html><title>Many</title>{scripts}".encode()


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            target = urlsplit(head.split(b" ", 2)[1].decode())
            wait = parse_qs(target.query).get("wait", ["0"])[0]
            kind, body = "text/html", _SMALL
            if target.path == "/page":
                body = _page(wait)
            elif target.path.endswith(".js"):
                kind, body = "text/javascript", _SCRIPT
                await asyncio.sleep(int(wait) / 1000)
            writer.write(
                f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nCache-Control: no-store\r\n"
                f"Content-Length: {len(body)}\r\n\r\n".encode()
                + body
            )
    except (ConnectionError, asyncio.IncompleteReadError):
        pass
    finally:
        writer.close()


async def _main() -> None:
    server = await asyncio.start_server(_serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_main())
