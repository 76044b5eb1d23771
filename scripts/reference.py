"""``python -m scripts.reference``: write the pages of docs/reference that the code itself knows best.

The settings come from ``Settings``, the errors from ``kit/errors.py``, the commands from click. A tidy test calls
``pages`` and holds the committed files against it, so none of the three can drift from the code.
"""

import inspect
from collections.abc import Iterator
from pathlib import Path

import click
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from noctule.cli.main import main as noctule
from noctule.kit import errors
from noctule.settings import Settings

REFERENCE = Path(__file__).resolve().parents[1] / "docs" / "reference"

_NOTE = "*This page is generated (`make docs`); change the code, not the page.*"
_HELP_WIDTH = 100


def pages() -> dict[str, str]:
    """The generated pages, by file name."""
    return {"settings.md": _settings(), "errors.md": _errors(), "cli.md": _commands()}


def _settings() -> str:
    rows = [
        f"| `NOCTULE_{name.upper()}` | {_default(name, field)} | {field.description} |"
        for name, field in Settings.model_fields.items()
    ]
    return "\n".join(
        [
            "# Settings",
            "",
            "Every setting is an environment variable. A value that cannot be understood stops `noctule serve` with a",
            "sentence that names it. Unset is the default; nothing is read from a file unless a setting names one.",
            "",
            "| variable | default | meaning |",
            "|---|---|---|",
            *rows,
            "",
            _NOTE,
            "",
        ]
    )


def _default(name: str, field: FieldInfo) -> str:
    if name == "data_dir":
        return "`~/.local/share/noctule`"
    if field.default is None or field.default == () or field.default is PydanticUndefined:
        return "unset"
    return f"`{field.default}`"


def _errors() -> str:
    rows = [
        f"| {cls.status} | `{cls.__name__}` | {_first_sentence(cls)} |"
        for cls in sorted(_tree(errors.NoctuleError), key=lambda cls: (cls.status, cls.__name__))
    ]
    return "\n".join(
        [
            "# Errors",
            "",
            "Every reply outside 2xx is a JSON object. `status` always equals the HTTP status, `message` is for",
            "people, `detail` is there when there is more to say to a program.",
            "",
            "```json",
            '{"status": 404, "message": "No such session.", "path": "/sessions/…", "detail": "…"}',
            "```",
            "",
            "| status | class | when |",
            "|---|---|---|",
            *rows,
            "",
            "An operation that fails inside the page is not an HTTP error: `page/execute` answers 200 with",
            "`success: false`, a `message`, and the name of the failure in `exception`. Where an operation without",
            "such a body fails in the browser, the reply carries `x-error-class: NotteApiExecutionError`, from which",
            "the official SDKs make their execution error.",
            "",
            "529 and 503 are answered only before any work was done, so a client may simply try again. 402 is only",
            "ever about money, 429 only about a rate or a plan's limit.",
            "",
            _NOTE,
            "",
        ]
    )


def _tree(cls: type[errors.NoctuleError]) -> Iterator[type[errors.NoctuleError]]:
    for child in cls.__subclasses__():
        if child.__module__.startswith("noctule."):
            yield child
        yield from _tree(child)


def _first_sentence(cls: type) -> str:
    text = " ".join(inspect.cleandoc(cls.__doc__ or "").split())
    return text.partition(". ")[0].rstrip(".") + "."


def _commands() -> str:
    parts = ["# Commands", "", "What `noctule … --help` prints.", ""]
    for context in _walk("noctule", noctule, None):
        parts += [f"## {context.command_path}", "", "```text", context.get_help().rstrip(), "```", ""]
    return "\n".join([*parts, _NOTE, ""])


def _walk(name: str, command: click.Command, parent: click.Context | None) -> Iterator[click.Context]:
    width = {"terminal_width": _HELP_WIDTH, "max_content_width": _HELP_WIDTH}
    context = click.Context(command, parent=parent, info_name=name, **{**command.context_settings, **width})
    yield context
    if isinstance(command, click.Group):
        for child_name, child in command.commands.items():
            yield from _walk(child_name, child, context)


def write() -> None:
    """Write every page that is not as it should be."""
    REFERENCE.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        page = REFERENCE / name
        if not page.exists() or page.read_text() != text:
            page.write_text(text)
            click.echo(f"wrote {page.relative_to(REFERENCE.parents[1])}")


if __name__ == "__main__":
    write()
