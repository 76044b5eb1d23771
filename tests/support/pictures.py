"""What is to be seen on pictures and in videos, by way of ffmpeg."""

import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Picture:
    """Pixels of a picture, three bytes each, row by row."""

    width: int
    height: int
    pixels: bytes

    def at(self, x: int, y: int) -> tuple[int, int, int]:
        """Red, green and blue of one pixel."""
        start = 3 * (y * self.width + x)
        red, green, blue = self.pixels[start : start + 3]
        return red, green, blue


def decode(source: Path | bytes, *, width: int, height: int, at_seconds: float | None = None) -> Picture:
    """The picture, or what a video shows at that time, scaled to that size."""
    seek = [] if at_seconds is None else ["-ss", f"{at_seconds:.3f}"]
    given = ["-i", str(source)] if isinstance(source, Path) else ["-f", "mjpeg", "-i", "-"]
    form = ["-frames:v", "1", "-vf", f"scale={width}:{height}", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    done = subprocess.run(
        ["ffmpeg", "-v", "error", *seek, *given, *form],
        input=source if isinstance(source, bytes) else b"",
        capture_output=True,
        check=True,
        timeout=30,
    )
    assert len(done.stdout) == 3 * width * height, done.stderr.decode()
    return Picture(width, height, done.stdout)


def colour(picture: Picture, x: int = 0, y: int = 0) -> str:
    """Which of red, green and blue are bright in a pixel: ``"rg"`` is yellow, ``""`` is black."""
    return "".join(name for name, part in zip("rgb", picture.at(x, y), strict=True) if part > 128)
