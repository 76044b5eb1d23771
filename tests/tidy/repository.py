"""The checkout as the tidy tests see it: which files there are, and which folders are tags."""

import os
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SRC = ROOT / "src" / "noctule"

TAGS = tuple(
    name
    for name in (
        *(
            "sessions",
            "timeline",
            "page",
            "debug",
            "network",
            "storage",
            "scrape",
            "agents",
            "functions",
            "vaults",
            "personas",
        ),
        *("timeline", "usage", "webhooks", "operator", "health", "profiles", "secrets", "workspaces"),
    )
    if (SRC / name).is_dir()
)

_NOT_OURS = {"node_modules", "__pycache__", "dist", "data"}
_WRITTEN_BY_HAND = {".py", ".md", ".toml", ".sh", ".mjs", ".json", ".html", ".in", ".mako", ".txt", ".lock", ""}


@cache
def files() -> tuple[Path, ...]:
    """Every text file that belongs to the project, frozen contract data apart."""
    found: list[Path] = []
    for folder, folders, names in os.walk(ROOT):
        here = Path(folder)
        folders[:] = [
            name
            for name in folders
            if name not in _NOT_OURS
            and (not name.startswith(".") or name == ".ci")
            and not (here == ROOT and name == "contract")
        ]
        found.extend(here / name for name in names if Path(name).suffix in _WRITTEN_BY_HAND)
    return tuple(sorted(found))


def python_files(*parts: str) -> tuple[Path, ...]:
    """The project's Python files, under ``ROOT/parts`` if given."""
    under = ROOT.joinpath(*parts)
    return tuple(path for path in files() if path.suffix == ".py" and path.is_relative_to(under))


def shown(path: Path) -> str:
    """A path as messages name it."""
    return path.relative_to(ROOT).as_posix()
