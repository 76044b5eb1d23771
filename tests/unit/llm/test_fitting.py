"""What is cut, by the stated rule."""

from noctule.llm.fitting import fit, tokens_for


def test_what_fits_is_left_as_it_is() -> None:
    assert fit("short\ntext", 1_000) == ("short\ntext", False)


def test_what_is_too_long_keeps_its_beginning_and_its_end() -> None:
    content = "\n".join(f"line {number}" for number in range(2_000))
    text, is_cut = fit(content, 2_000)
    assert is_cut
    assert len(text) <= 2_000 * 0.75 * 2.5 + 100
    beginning, mark, end = text.partition("\n[… ")
    assert beginning.startswith("line 0\nline 1\n")
    assert end.endswith("line 1998\nline 1999")
    lines = set(content.splitlines())
    assert set(beginning.splitlines()) <= lines
    assert set(end.partition("]\n")[2].splitlines()) <= lines
    left_out = int(end.split(" ")[0])
    assert left_out == len(content) - len(beginning) - len(end.partition("]\n")[2])
    assert mark


def test_a_single_long_line_is_cut_all_the_same() -> None:
    text, is_cut = fit("x" * 100_000, 2_000)
    assert is_cut
    assert len(text) < 4_000


def test_the_least_context_for_a_content_is_told() -> None:
    for length in (0, 1, 7, 1_000, 12_345):
        least = tokens_for("x" * length)
        assert fit("x" * length, least) == ("x" * length, False)
        assert length == 0 or fit("x" * length, least - 1)[1]
