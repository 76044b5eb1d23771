"""Deeds: what needs no browser, what an id leads to, and what a server may not have."""

from dataclasses import replace
from typing import Any

import pytest

from noctule.browser.commands import (
    Click,
    CloseTab,
    CommandFailed,
    DownloadFile,
    File,
    FormFill,
    Goto,
    GotoNewTab,
    PressKey,
    RemoteFile,
    Scroll,
    SwitchTab,
    Target,
    UploadFile,
)
from noctule.kit.errors import Conflict
from noctule.page.domain import AskForHelp, Complete, Found, ReadMessages, SolveCaptcha
from noctule.page.service import Deed, Files, ScrapePage, Sighted, Upload
from tests.support.clock import FrozenClock
from tests.support.files import FakeFiles
from tests.unit.page.house import FORM, SEND, SID, House

BY_ID = Click(Target("B1"))
BY_BOTH = Click(Target("B1", ("#send",)))


class SlowClock(FrozenClock):
    """A clock by which everything takes three seconds."""

    def monotonic(self) -> float:
        self.advance(3)
        return super().monotonic()


def looked_at(files: Files | None = None, clock: FrozenClock | None = None) -> tuple[House, str]:
    """A house whose page was observed, and the key of that look."""
    house = House(files=files, clock=clock)
    house.fleet.page.nodes = FORM
    sight = house.run(lambda: house.service.observe("w", SID))
    house.fleet.commands.clear()
    house.sessions.steps.clear()
    return house, sight.key


@pytest.mark.parametrize(
    ("deed", "success", "fragment"),
    [
        (Complete(True, "42"), True, "Task completed successfully: 42"),
        (Complete(False, "no luck"), True, "Task completed unsuccessfully: no luck"),
        (AskForHelp("a captcha"), False, "Help is needed to go on: a captcha"),
        (SolveCaptcha(), False, "no captcha solver is configured"),
    ],
)
def test_deeds_without_a_browser_are_told_and_recorded(deed: Deed, success: bool, fragment: str) -> None:
    house = House()
    outcome = house.execute(deed)
    assert outcome.success is success
    assert fragment in outcome.message
    assert house.fleet.commands == []
    assert len(house.sessions.steps) == 1


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (GotoNewTab("https://example.com"), "Opened https://example.com in a new tab"),
        (SwitchTab(-1), "Switched to tab -1"),
        (CloseTab(), "Closed the tab"),
        (PressKey("Enter"), "Pressed Enter."),
        (Scroll(up=False, amount=300), "Scrolled down by 300 pixels."),
        (FormFill((("email", "a@b.c"),)), "Filled the form: email."),
    ],
)
def test_what_is_done_to_the_whole_tab_needs_no_element(command: Any, message: str) -> None:
    house = House()
    outcome = house.execute(command)
    assert outcome.success
    assert message in outcome.message
    assert outcome.found is None
    assert house.fleet.commands == [(SID, command)]


def test_an_id_before_anything_was_observed_is_an_error_and_nothing_is_tried() -> None:
    house = House()
    house.fleet.page.nodes = FORM
    with pytest.raises(Conflict, match=r"not observed yet, so the id 'B1' means nothing"):
        house.execute(BY_ID)
    assert house.fleet.commands == []
    assert house.sessions.steps == []


def test_an_id_of_the_last_observation_leads_to_its_element() -> None:
    house, _ = looked_at()
    outcome = house.execute(BY_ID)
    assert outcome.success
    assert outcome.found == Found("#send", "Send")
    assert house.fleet.commands == [(SID, BY_ID)]


def test_an_id_that_was_not_observed_is_a_failure() -> None:
    house, _ = looked_at()
    outcome = house.execute(Click(Target("X1")))
    assert outcome.failure.kind == "InvalidActionError"
    assert outcome.message == "Action with id 'X1' is invalid: action 'X1' not found in page context."


def test_a_selector_goes_before_an_id_and_needs_no_observation() -> None:
    house = House()
    house.fleet.page.nodes = FORM
    assert house.execute(BY_BOTH).success
    assert house.fleet.commands == [(SID, Click(Target(selectors=("#send",))))]


def test_an_id_and_a_selector_of_the_last_observation_are_the_very_element_that_was_seen() -> None:
    house, key = looked_at()
    # Another element has taken its place.
    house.fleet.page.nodes = (*FORM, replace_name(SEND, "Delete"))
    outcome = house.execute(Sighted(Click(Target("B1", ("#delete",))), key))
    assert outcome.found == Found("#send", "Send")
    assert house.fleet.commands == [(SID, BY_ID)]


def test_an_element_that_is_gone_is_looked_for_by_its_selector() -> None:
    house, key = looked_at()
    house.fleet.page.gone.add("B1")
    house.fleet.page.nodes = (*FORM, SEND._replace(id="B2"))
    assert house.execute(Sighted(BY_BOTH, key)).success
    assert house.fleet.commands == [(SID, BY_ID), (SID, Click(Target(selectors=("#send",))))]


def test_an_element_that_went_while_it_was_waited_for_has_used_up_the_time() -> None:
    house, key = looked_at(clock=SlowClock())
    house.fleet.page.gone.add("B1")
    house.fleet.page.nodes = (*FORM, SEND._replace(id="B2"))
    assert house.execute(Sighted(BY_BOTH, key)).failure.kind == "InvalidActionError"
    assert house.fleet.commands == [(SID, BY_ID)]


def test_the_selector_counts_where_the_id_is_of_an_earlier_observation() -> None:
    house, key = looked_at()
    house.run(lambda: house.service.observe("w", SID))
    house.fleet.commands.clear()
    assert house.execute(Sighted(BY_BOTH, key)).success
    assert house.fleet.commands == [(SID, Click(Target(selectors=("#send",))))]


def test_a_failure_of_the_very_element_is_not_tried_again_by_its_selector() -> None:
    house, key = looked_at()
    house.fleet.run_error = CommandFailed("ActionExecutionError", "Element is disabled")
    assert house.execute(Sighted(BY_BOTH, key)).message == "Element is disabled"
    assert house.fleet.commands == [(SID, BY_ID)]


def test_a_page_that_is_a_file_is_no_failure() -> None:
    house = House()
    url = "https://example.com/a.pdf"
    house.fleet.run_error = CommandFailed("PageLoadingError", "a download", download_url=url)
    outcome = house.execute(Goto(url))
    assert outcome.success
    assert outcome.message.startswith(f"{url} is a file")


@pytest.mark.parametrize("kind", ["emails", "text messages", "verification emails"])
def test_messages_need_a_persona(kind: Any) -> None:
    house = House()
    with pytest.raises(Conflict, match=f"has no persona, so there are no {kind} to read"):
        house.execute(ReadMessages(kind))
    assert house.sessions.steps == []


@pytest.mark.parametrize("deed", [Upload(Target(selectors=("#secret",)), "a.txt"), DownloadFile(Target("B1"))])
def test_files_need_a_storage_and_the_page_is_not_touched_without(deed: Deed) -> None:
    house, _ = looked_at()
    with pytest.raises(Conflict, match="no storage for files"):
        house.execute(deed)
    assert house.fleet.commands == []
    assert house.sessions.steps == []


def test_an_uploaded_file_is_given_to_the_page() -> None:
    file = File("a.txt", b"hello")
    house, key = looked_at(FakeFiles(file))
    assert house.execute(Upload(Target("B1", ("#send",)), "a.txt", key=key)).success
    assert house.fleet.commands == [(SID, UploadFile(Target("B1"), file))]


def test_a_file_that_has_the_id_goes_before_the_one_that_has_the_name() -> None:
    files = File("an-id", b"by id"), File("a.txt", b"by name")
    house, _ = looked_at(FakeFiles(*files))
    for file_id, file in (("an-id", files[0]), ("another", files[1])):
        assert house.execute(Upload(Target("B1"), "a.txt", file_id=file_id)).success
        assert house.fleet.commands[-1] == (SID, UploadFile(Target("B1"), file))


@pytest.mark.parametrize(("kept", "asked"), [(" a ", " a "), ("a", " a ")])
def test_a_name_is_looked_for_as_it_is_and_then_without_the_spaces_around_it(kept: str, asked: str) -> None:
    file = File(kept, b"x")
    house, _ = looked_at(FakeFiles(file))
    assert house.execute(Upload(Target("B1"), asked)).success
    assert house.fleet.commands == [(SID, UploadFile(Target("B1"), file))]


@pytest.mark.parametrize("address", ["https://a.b/c", " HTTP://a.b/c "])
def test_a_file_at_an_address_is_left_to_the_browser(address: str) -> None:
    house, _ = looked_at()
    assert house.execute(Upload(Target("B1"), address)).success
    assert house.fleet.commands == [(SID, UploadFile(Target("B1"), RemoteFile(address.strip())))]


def test_a_file_that_is_not_there_is_a_failure_that_says_so() -> None:
    house, _ = looked_at(FakeFiles())
    outcome = house.execute(Upload(Target("B1"), "b.txt"))
    assert outcome.failure.kind == "InvalidActionError"
    assert "No uploaded file is called 'b.txt'" in outcome.message
    assert house.fleet.commands == []


def test_a_file_that_cannot_be_kept_is_a_failure_of_what_was_done() -> None:
    files = FakeFiles()
    files.is_full = True
    house, key = looked_at(files)
    outcome = house.execute(Sighted(DownloadFile(Target("B1", ("#send",))), key))
    assert outcome.failure.kind == "ActionExecutionError"
    assert outcome.message == "Downloaded from Send. It could not be kept: There is no room for this file."
    assert house.sessions.steps[-1][1] == "execution_result"


def test_what_is_not_to_be_recorded_is_no_step() -> None:
    house, _ = looked_at(FakeFiles(File("a.txt", b"hello")))
    before = len(house.sessions.steps)
    deed = Upload(Target("B1"), "a.txt")
    outcome = house.run(lambda: house.service.execute("w", SID, deed, {"type": "upload_file"}, record=False))
    assert outcome.success
    assert len(house.sessions.steps) == before


def test_a_file_that_a_page_brings_is_kept_under_a_name_that_is_told() -> None:
    files = FakeFiles()
    house, key = looked_at(files)
    for name in ("report.csv", "1-report.csv"):
        outcome = house.execute(Sighted(DownloadFile(Target("B1", ("#send",))), key))
        assert outcome.message == f"Downloaded from Send. It is kept as '{name}'."
        assert outcome.found == Found("#send", "Send")
        assert files.kept[name].content == b"month,minutes"


def test_what_a_scrape_brings_back_is_the_outcomes_data() -> None:
    outcome = House().execute(ScrapePage())
    assert outcome.success
    assert outcome.data["markdown"]
    assert outcome.cost_nanos is None


def replace_name(node: Any, name: str) -> Any:
    return node._replace(name=name, id="B9")


def test_commands_keep_all_they_had_but_the_target() -> None:
    house, key = looked_at()
    command = replace(BY_BOTH, press_enter=True, timeout_seconds=3.0)
    house.execute(Sighted(command, key))
    assert house.fleet.commands == [(SID, Click(Target("B1"), True, 3.0))]
