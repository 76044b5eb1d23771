"""Which tables are data, what their heads are, and that hostile ones stay small."""

import pytest

from tests.unit.extraction.trees import markdown, read_back

GRID = "<tr><td>1</td><td>2</td></tr><tr><td>3</td><td>4</td></tr>"


@pytest.mark.parametrize(
    ("html", "head"),
    [
        (f"<table><thead><tr><td>a</td><td>b</td></tr></thead>{GRID}</table>", "| a | b |"),
        (f"<table><tr><th>a</th><th>b</th></tr>{GRID}</table>", "| a | b |"),
        (f"<table><tr><td></td><th>b</th></tr>{GRID}</table>", "|  | b |"),
        (f"<table><tr><td><b>a</b></td><td><p><strong>b</strong></p></td></tr>{GRID}</table>", "| a | b |"),
        (f"<table>{GRID}</table>", "|  |  |"),
        ("<table><tr><th>a</th><td>1</td></tr><tr><th>b</th><td>2</td></tr></table>", "|  |  |"),
    ],
)
def test_its_head_is_found(html: str, head: str) -> None:
    assert markdown(html).split("\n")[0] == head


@pytest.mark.parametrize(
    "html",
    [
        f"<table role='presentation'>{GRID}</table>",
        "<table><tr><td>1</td><td>2</td><td>3</td><td>4</td></tr></table>",
        "<table><tr><td>1</td></tr><tr><td>2</td></tr><tr><td>3</td></tr><tr><td>4</td></tr></table>",
        "<table><tr><td>1</td><td><section>2</section></td></tr><tr><td>3</td><td>4</td></tr></table>",
    ],
)
def test_a_table_for_layout_is_unfolded(html: str) -> None:
    assert markdown(html) == "1\n\n2\n\n3\n\n4"


def test_every_row_has_as_many_cells_as_the_head() -> None:
    text = markdown(
        "<table><tr><th>a</th></tr><tr><td>1</td><td>2</td><td>3</td></tr><tr></tr><tr><td>4</td></tr></table>"
    )

    assert [line.count("|") for line in text.split("\n")] == [4, 4, 4, 4]


def test_what_a_cell_spans_is_filled() -> None:
    text = markdown(
        "<table><tr><th>a</th><th>b</th><th>c</th></tr>"
        "<tr><td rowspan=0>x</td><td colspan=2>y</td></tr><tr><td>1</td><td>2</td></tr></table>"
    )

    assert text.split("\n")[2:] == ["| x | y | y |", "| x | 1 | 2 |"]


def test_a_cell_over_the_whole_width_is_written_once() -> None:
    assert "| North |  |\n" in markdown(
        f"<table><tr><th>a</th><th>b</th></tr><tr><td colspan=2>North</td></tr>{GRID}</table>"
    )


def test_columns_without_content_are_left_out() -> None:
    assert markdown("<table><tr><th>a</th><th></th><th>b</th></tr><tr><td>1</td><td> </td><td>2</td></tr></table>") == (
        "| a | b |\n| --- | --- |\n| 1 | 2 |"
    )


def test_pipes_and_lines_in_cells_are_read_back() -> None:
    text = markdown("<table><tr><th>a|b</th></tr><tr><td>1<br>2 <code>x|y</code> \\| z</td></tr></table>")

    assert "<th>a|b</th>" in read_back(text)
    assert "<td>1<br>2 <code>x|y</code> \\| z</td>" in read_back(text)


def test_spans_cannot_make_a_table_large() -> None:
    wide = "".join(f"<tr><td colspan=9999 rowspan=9999>{'x' * 50}</td><td>1</td></tr>" for _ in range(2000))

    assert len(markdown(f"<table><tr><th>h</th></tr>{wide}</table>")) < 20_000_000


def test_rows_too_uneven_for_a_table_are_unfolded() -> None:
    rows = "".join(f"<tr>{'<td>1</td>' * (2000 if row == 5 else 1)}</tr>" for row in range(2000))

    assert "|" not in markdown(f"<table><thead><tr><th>h</th></tr></thead>{rows}</table>")


def test_a_table_in_a_table_is_a_table_of_its_own() -> None:
    inner = f"<table><tr><th>a</th><th>b</th></tr>{GRID}</table>"

    assert markdown(f"<table><tr><td>left</td><td>{inner}</td></tr><tr><td>x</td><td>y</td></tr></table>") == (
        f"left\n\n{markdown(inner)}\n\nx\n\ny"
    )
