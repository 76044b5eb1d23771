"""Prefixes and blank lines."""

from noctule.extraction.markdown.writer import Writer


def test_blocks_stand_one_blank_line_apart() -> None:
    writer = Writer()
    writer.block("paragraph", "a")
    writer.block("paragraph", "b\nc")

    assert writer.text() == "a\n\nb\nc"


def test_the_marker_is_on_the_first_line_and_the_prefix_on_the_others() -> None:
    writer = Writer()
    with writer.inside("quote", "> ", "> "), writer.inside("list-", "- ", "  "):
        writer.block("paragraph", "a\nb")
        writer.block("code", "```\n\n```")

    assert writer.text() == "> - a\n>   b\n>\n>   ```\n>\n>   ```"


def test_what_holds_nothing_leaves_nothing() -> None:
    writer = Writer()
    writer.block("paragraph", "a")
    with writer.inside("quote", "> ", "> "), writer.inside("list-", "- ", "  "):
        pass
    writer.block("paragraph", "b")

    assert writer.text() == "a\n\nb"


def test_an_item_may_be_kept_for_its_number() -> None:
    writer = Writer()
    for number in (1, 2):
        with writer.inside("list.", f"{number}. ", "   ", keep_empty=True):
            if number == 2:
                writer.block("paragraph", "b")

    assert writer.text() == "1.\n2. b"


def test_a_list_that_may_not_interrupt_a_paragraph_stands_apart() -> None:
    writer = Writer()
    with writer.inside("list-", "- ", "  "):
        writer.block("paragraph", "a")
        with writer.inside("list.", "2. ", "   ", interrupts=False):
            writer.block("paragraph", "b")

    assert writer.text() == "- a\n\n  2. b"
