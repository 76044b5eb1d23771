"""Errors of pages, read from a browser's log."""

import time

import pytest

from noctule.browser.driver.capture.errors import MAX_RECORD_BYTES, ErrorLog

RECORD = b'[1123/203225.828859:INFO:CONSOLE:13] "Uncaught Error: thrown", source: http://a/x.js (13)\n'


def settled(*pieces: bytes) -> list[tuple[str, str, int]]:
    log = ErrorLog()
    for piece in pieces:
        log.feed(piece, 1.0)
    return [(error.text, error.url, error.line) for error in log.settled(2.0)]


def test_an_error_has_its_text_and_its_place() -> None:
    assert settled(b"[1/2:ERROR:dbus.cc(1)] no bus\n" + RECORD) == [("Uncaught Error: thrown", "http://a/x.js", 13)]


@pytest.mark.parametrize("at", range(1, len(RECORD), 7))
def test_a_record_may_come_in_two_pieces(at: int) -> None:
    assert settled(RECORD[:at], RECORD[at:]) == [("Uncaught Error: thrown", "http://a/x.js", 13)]


def test_an_error_may_have_many_lines() -> None:
    record = RECORD.replace(b"thrown", b"one\ntwo\nthree")
    assert settled(record)[0][0] == "Uncaught Error: one\ntwo\nthree"


def test_what_a_page_wrote_itself_is_no_error() -> None:
    log = ErrorLog()
    log.heard("Uncaught Error: thrown")
    log.feed(RECORD + RECORD, 1.0)
    assert len(log.settled(2.0)) == 1


def test_an_error_waits_until_the_console_has_been_heard() -> None:
    log = ErrorLog()
    log.feed(RECORD, 1.0)
    assert not log.settled(0.9)
    assert len(log.settled(1.1)) == 1


def test_other_lines_of_the_console_are_no_errors() -> None:
    assert not settled(RECORD.replace(b"Uncaught", b"Caught"))


def test_a_log_without_an_end_is_bounded() -> None:
    log = ErrorLog()
    for _ in range(100):
        log.feed(b'[1/2:INFO:CONSOLE:1] "Uncaught ' + b"x" * 4000, 1.0)
    assert len(log._rest) <= 2 * MAX_RECORD_BYTES
    log.feed(b"\n" + RECORD, 1.0)
    assert log.settled(2.0)[-1].url == "http://a/x.js"


def test_a_source_may_have_the_marks_of_a_record_in_its_text() -> None:
    record = RECORD.replace(b"thrown", b'", source: http://b/y.js (1) and more')
    assert settled(record) == [('Uncaught Error: ", source: http://b/y.js (1) and more', "http://a/x.js", 13)]


def test_a_line_number_that_is_none_costs_its_record_alone() -> None:
    assert settled(RECORD.replace(b"(13)", b"(" + b"1" * 5000 + b")"), b"\n" + RECORD)[-1][2] == 13


@pytest.mark.parametrize("piece", [b"[", b'", source: ', b'", source: (1', b"[1/2:INFO:CONSOLE:1"])
def test_a_log_that_is_made_to_be_hard_to_read_costs_little(piece: bytes) -> None:
    log = ErrorLog()
    text = (b'[1/2:INFO:CONSOLE:1] "Uncaught ' + piece * 65536)[:65536]
    began = time.process_time()
    for _ in range(16):
        log.feed(text, 1.0)
    assert time.process_time() - began < 1.0
