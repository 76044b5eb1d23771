"""PDF files as markdown, read by a process of their own.

What must always hold: a hostile file harms nothing but that process, which has no environment, no files to write,
and limits on processor time, memory and output; its owner kills it at the deadline, and never leaves it behind.
"""

import asyncio
import contextlib
import sys

import msgspec

from noctule.extraction.errors import TooBusy, UnreadableDocument

MAX_PDF_BYTES = 64 * 1024 * 1024
MAX_OUTPUT_BYTES = 16 * 1024 * 1024

# What the reader may answer instead of a text, and what that means to whoever asked.
FAILURES = {
    "encrypted": "This PDF is encrypted and can only be read with its password.",
    "damaged": "This PDF is damaged and cannot be read.",
    "empty": "This PDF has no pages.",
    "images": "This PDF holds no text, only pictures of its pages.",
}
_TOO_LARGE = f"This PDF is too large to be read: over {MAX_PDF_BYTES // 2**20} MiB."
_TOO_SLOW = "This PDF takes too long to read."
_NO_ROOM = "This machine has no room for another process right now; nothing was done."
_TOO_MUCH = "This PDF holds more text than can be read at once."

# Isolated: nothing of this process's surroundings decides what the reader imports. It is told its limit of processor
# time, should its owner not be there to kill it.
_READER = [sys.executable, "-I", "-m", "noctule.extraction.pdf"]


class _Answer(msgspec.Struct):
    markdown: str | None = None
    failure: str | None = None


async def read_pdf(data: bytes, deadline_seconds: float) -> str:
    """The text of a PDF as markdown.

    Raises ``UnreadableDocument`` for one that is encrypted, damaged, empty, without text or too large, and for
    one that takes longer than ``deadline_seconds``; ``TooBusy`` if no process can be started.
    """
    if len(data) > MAX_PDF_BYTES:
        raise UnreadableDocument(_TOO_LARGE)
    process = await _start(deadline_seconds)
    try:
        async with asyncio.timeout(deadline_seconds):
            output = await _exchange(process, data)
    except TimeoutError:
        raise UnreadableDocument(_TOO_SLOW) from None
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
    return _markdown(output)


async def _start(deadline_seconds: float) -> asyncio.subprocess.Process:
    try:
        return await asyncio.create_subprocess_exec(
            *_READER,
            str(int(deadline_seconds) + 1),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={"LANG": "C.UTF-8"},
            cwd="/",
            start_new_session=True,
        )
    except OSError:
        # No process or no memory is left for it on this machine.
        raise TooBusy(_NO_ROOM) from None


async def _exchange(process: asyncio.subprocess.Process, data: bytes) -> bytes:
    assert process.stdin is not None
    assert process.stdout is not None
    feeding = asyncio.ensure_future(_feed(process.stdin, data))
    try:
        output = bytearray()
        while chunk := await process.stdout.read(256 * 1024):
            output += chunk
            if len(output) > MAX_OUTPUT_BYTES:
                raise UnreadableDocument(_TOO_MUCH)
        return bytes(output)
    finally:
        feeding.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await feeding


async def _feed(stdin: asyncio.StreamWriter, data: bytes) -> None:
    # A reader that died early shows by its missing answer.
    with contextlib.suppress(ConnectionError):
        stdin.write(data)
        await stdin.drain()
        stdin.close()


def _markdown(output: bytes) -> str:
    try:
        answer = msgspec.json.decode(output, type=_Answer)
    except (msgspec.DecodeError, RecursionError):
        # It was ended by one of its limits, or by the file.
        raise UnreadableDocument(FAILURES["damaged"]) from None
    if answer.markdown is None:
        raise UnreadableDocument(FAILURES.get(answer.failure or "", FAILURES["damaged"]))
    return answer.markdown
