"""ffmpeg, run as a program of its own: pictures to H.264, pieces to one file.

It is never linked, since builds with an H.264 encoder are under the GPL. What must always hold:

- A run has an end: it is killed when its time is over, when its caller is cancelled, and by the kernel when the server
  dies.
- The run that reads what a browser made sees nothing but two open files, has no privilege that it could be robbed of.
- It works with what sessions leave of the machine: a film that somebody may wait for a little before the rest.
"""

import asyncio
import contextlib
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from noctule.browser.recording.files import Size

_ENCODER = "libx264"
# Long enough for a program that comes from a cold disk.
_ASKING_SECONDS = 30.0
_TAIL_CHARACTERS = 300
_NOBODY = "65534"
_FRAMES_BETWEEN_KEYFRAMES = 600
_SECONDS_BETWEEN_KEYFRAMES = 10
_HLS_SEGMENT_SECONDS = 8
# How long the last picture is shown, in ticks of MPEG-TS (90 kHz): its end is told by nothing that follows.
_LAST_PICTURE_TICKS = 3600
_NICE, _NICE_AND_URGENT = 19, 10


class NoEncoder(RuntimeError):
    """No usable ffmpeg; the message says what to install or to set."""


class CannotEncode(Exception):
    """A run failed; the message says how, for the log."""


class Ffmpeg:
    """One ffmpeg program that has what we need. Make it with ``find``."""

    def __init__(self, program: Path, version: str) -> None:
        self.version = version
        self._program = program
        self._tools = _Tools()

    @classmethod
    def find(cls, configured: Path | None = None) -> "Ffmpeg":
        """The configured program, else the one on ``PATH``. Blocks for a moment. Raises ``NoEncoder``."""
        found = str(configured) if configured is not None else shutil.which("ffmpeg")
        if found is None:
            raise NoEncoder(
                "ffmpeg was not found. Install it (Debian: apt-get install ffmpeg) or name it in NOCTULE_FFMPEG_PATH."
            )
        if configured is not None and not (configured.is_file() and os.access(configured, os.X_OK)):
            raise NoEncoder(f"NOCTULE_FFMPEG_PATH names {configured}, which is not a program that can be run.")
        program = Path(found)
        version = re.match(r"ffmpeg version (\S+)", _asked(program, "-version"))
        if version is None:
            raise NoEncoder(f"{program} does not say which version of ffmpeg it is.")
        number = re.match(r"\D?(\d+)\.(\d+)", version[1])
        if number is not None and (int(number[1]), int(number[2])) < (5, 1):
            raise NoEncoder(f"ffmpeg {version[1]} is too old; 5.1 is the oldest that keeps the times of pictures.")
        if _ENCODER not in _asked(program, "-hide_banner", "-encoders"):
            raise NoEncoder(f"ffmpeg {version[1]} was built without {_ENCODER}, its encoder of H.264.")
        return cls(program, version[1])

    async def encode(self, source: Path, target: Path, size: Size, *, is_urgent: bool, timeout_seconds: float) -> None:
        """Pictures of one Matroska file as H.264 in MPEG-TS, with the same times, fitted into ``size`` (even numbers).

        ``target`` is there whole or not at all. Raises ``CannotEncode``, ``OSError``.
        """
        width, height = size
        fit = (
            f"scale={width}:{height}:force_original_aspect_ratio=decrease:in_range=full:out_range=tv"
            ":in_color_matrix=bt601:out_color_matrix=bt709"
        )
        keyframes = f"expr:if(isnan(prev_forced_t),1,gte(t,prev_forced_t+{_SECONDS_BETWEEN_KEYFRAMES}))"
        arguments = [
            *("-copyts", "-f", "matroska", "-i", "pipe:0"),
            *("-vf", f"{fit},pad={width}:{height}:(ow-iw)/2:(oh-ih)/2,setsar=1,format=yuv420p"),
            *("-fps_mode", "passthrough", "-enc_time_base", "1:1000"),
            *("-c:v", _ENCODER, "-preset", "veryfast", "-crf", "26", "-bf", "0", "-threads", "1"),
            *("-g", str(_FRAMES_BETWEEN_KEYFRAMES), "-force_key_frames", keyframes),
            *("-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv"),
            *("-f", "mpegts", "-muxdelay", "0", "-muxpreload", "0", "pipe:1"),
        ]
        part = target.with_suffix(".part")
        try:
            with source.open("rb") as pictures, part.open("wb") as video:
                await self._run(
                    arguments, reads=pictures, writes=video, is_urgent=is_urgent, timeout_seconds=timeout_seconds
                )
            if part.stat().st_size == 0:
                raise CannotEncode("ffmpeg wrote nothing")
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)

    async def join(self, source: Path, *, mp4: Path, fragments: Path, playlist: Path, timeout_seconds: float) -> None:
        """One MPEG-TS file as an MP4 that begins with its index, and as an MP4 in fragments with its HLS playlist.
        Nothing is encoded anew. Raises ``CannotEncode``, ``OSError``."""
        copy = ("-map", "0:v", "-c", "copy")
        hls = ("-hls_time", str(_HLS_SEGMENT_SECONDS), "-hls_playlist_type", "vod", "-hls_segment_type", "fmp4")
        whole = [
            *("-y", "-copyts", "-f", "mpegts", "-i", str(source), *copy),
            *("-bsf:v", f"setts=duration={_LAST_PICTURE_TICKS}", "-movflags", "+faststart", str(mp4)),
        ]
        # Of the MP4, which knows how long each picture is shown, as MPEG-TS does not.
        parts = [
            *("-y", "-i", str(mp4), *copy, "-f", "hls", *hls, "-hls_flags", "single_file"),
            *("-hls_segment_filename", str(fragments), str(playlist)),
        ]
        for arguments in (whole, parts):
            await self._run(arguments, reads=None, writes=None, is_urgent=True, timeout_seconds=timeout_seconds)

    async def _run(
        self,
        arguments: Sequence[str],
        *,
        reads: IO[bytes] | None,
        writes: IO[bytes] | None,
        is_urgent: bool,
        timeout_seconds: float,
    ) -> None:
        niceness = _NICE_AND_URGENT if is_urgent else _NICE
        command = [*self._tools.wrap(is_confined=reads is not None, niceness=niceness), str(self._program)]
        process = await asyncio.create_subprocess_exec(
            *command,
            *("-v", "error", "-nostdin"),
            *arguments,
            stdin=reads or asyncio.subprocess.DEVNULL,
            stdout=writes or asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            env={"PATH": os.defpath, "LANG": "C.UTF-8"},
            cwd="/",
            start_new_session=True,
        )
        _give_way(process.pid, niceness)
        try:
            async with asyncio.timeout(timeout_seconds):
                _, said = await process.communicate()
        except TimeoutError:
            raise CannotEncode(f"ffmpeg did not end within {timeout_seconds:g} s") from None
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                await asyncio.shield(process.wait())
        if process.returncode:
            words = said.decode(errors="replace").strip().replace("\n", " ")
            raise CannotEncode(f"ffmpeg ended with {process.returncode}: {words[-_TAIL_CHARACTERS:]}")


class _Tools:
    """What stands before the program on the command line."""

    def __init__(self) -> None:
        self._setpriv = shutil.which("setpriv")
        self._nice = shutil.which("nice")

    def wrap(self, *, is_confined: bool, niceness: int) -> list[str]:
        command: list[str] = []
        if self._setpriv is not None:
            # The kernel ends it when the server ends, however that happens.
            command += [self._setpriv, "--no-new-privs", "--pdeathsig", "KILL"]
            if is_confined and os.geteuid() == 0:
                command += ["--reuid", _NOBODY, "--regid", _NOBODY, "--clear-groups"]
                command += ["--inh-caps=-all", "--bounding-set=-all"]
            command.append("--")
        if self._nice is not None:
            command += [self._nice, "-n", str(niceness)]
        return command


def _give_way(pid: int, niceness: int) -> None:
    """Where the kernel shares a machine out among sessions of processes first (``sched_autogroup_enabled``), niceness
    counts inside of one alone, and the run has one of its own."""
    with contextlib.suppress(OSError):
        Path(f"/proc/{pid}/autogroup").write_text(str(niceness))


def _asked(program: Path, *arguments: str) -> str:
    try:
        answer = subprocess.run(
            [program, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_ASKING_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NoEncoder(f"{program} cannot be run: {error}") from None
    return answer.stdout.decode(errors="replace")
