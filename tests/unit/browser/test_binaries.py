"""Finding browsers."""

import os
import shutil
from pathlib import Path

import pytest

from noctule.browser import binaries
from noctule.browser.binaries import Binaries, NoBrowser

ELF = Path(shutil.which("true") or "/bin/true")


def _script(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(0o755)
    return path


def test_a_wrapper_script_is_replaced_by_the_program_beside_it(tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    wrapper = _script(tmp_path / "lib" / "google-chrome", '#!/bin/sh\nexec "$HERE/chrome" "$@"\n')
    shutil.copy(ELF, tmp_path / "lib" / "chrome")
    link = tmp_path / "google-chrome-stable"
    link.symlink_to(wrapper)
    assert binaries.behind_wrapper(link) == tmp_path / "lib" / "chrome"


def test_a_script_with_no_known_program_behind_it_is_used_as_it_is(tmp_path: Path) -> None:
    script = _script(tmp_path / "my-browser", "#!/bin/sh\n")
    assert binaries.behind_wrapper(script) == script


@pytest.mark.skipif(not os.access("/usr/lib/chromium/chromium", os.X_OK), reason="Debian's chromium is not installed")
def test_debians_wrapper_is_replaced_by_chromium_itself() -> None:
    assert binaries.behind_wrapper(Path("/usr/bin/chromium")) == Path("/usr/lib/chromium/chromium")


def test_a_configured_path_that_cannot_be_run_is_an_error_that_names_the_setting(tmp_path: Path) -> None:
    with pytest.raises(NoBrowser, match="NOCTULE_CHROMIUM_PATH"):
        binaries.find(chromium=tmp_path / "nothing")
    with pytest.raises(NoBrowser, match="NOCTULE_HEADLESS_SHELL_PATH"):
        binaries.find(headless_shell=tmp_path)


def test_a_configured_program_wins(tmp_path: Path) -> None:
    program = tmp_path / "shell"
    shutil.copy(ELF, program)
    assert binaries.find(headless_shell=program).headless_shell == program


def test_the_headless_shell_is_preferred_unless_chromium_is_asked_for() -> None:
    both = Binaries(headless_shell=Path("/shell"), chromium=Path("/chromium"))
    assert both.choose(wants_chromium=False) == (Path("/shell"), True)
    assert both.choose(wants_chromium=True) == (Path("/chromium"), False)


def test_the_only_program_is_used_whatever_is_asked_for() -> None:
    assert Binaries(None, Path("/chromium")).choose(wants_chromium=False) == (Path("/chromium"), False)
    assert Binaries(Path("/shell"), None).choose(wants_chromium=True) == (Path("/shell"), True)


def test_a_version_is_read_from_what_the_program_prints(tmp_path: Path) -> None:
    assert binaries.version(_script(tmp_path / "a", "#!/bin/sh\necho Chromium 156.0.8078.79\n")) == "156.0.8078.79"
    assert binaries.version(_script(tmp_path / "b", "#!/bin/sh\necho none of your business\n")) is None
    assert binaries.version(tmp_path / "missing") is None
