"""A 60 KB article to markdown: from its tree, whole and its main content, and from HTML.

The article is made here: prose with headings, links, emphasis, lists, tables and code, the same in every run.

    python -m bench.markdown [--rounds 200]
"""

import argparse
import random
import time
from collections.abc import Callable

from bench._support import show
from noctule.extraction.markdown import Options, to_markdown
from noctule.extraction.parser import parse

CONVERT_TARGET_SECONDS = 6e-3
WHOLE_TARGET_SECONDS = 15e-3
_CHARACTERS = 60_000
_WORDS = (
    "river market stone history council bridge winter harvest letter season engine measure valley school number "
    "quiet first second public open small many across between within during before after when which where their "
    "the of and to in a is that for it as was with be by on not he his but at are this have from or had an they"
)
_URL = "https://news.example.org/2026/a-walk-along-the-river"


def article(characters: int = _CHARACTERS) -> str:
    """A page of about that many characters of HTML."""
    dice = random.Random(7)
    parts = [f"<html><head><title>{_words(dice, 6)}</title></head><body><nav><ul>"]
    parts += [f'<li><a href="/section/{number}">{_words(dice, 1)}</a></li>' for number in range(12)]
    parts.append(f"</ul></nav><main><article><h1>{_words(dice, 6)}</h1>")
    size = section = 0
    while size < characters:
        section += 1
        before = len(parts)
        parts.append(f'<h2 id="s{section}">{_words(dice, 4)}</h2>')
        parts += [_paragraph(dice) for _ in range(4)]
        parts.append("<ul>" + "".join(f"<li>{_sentence(dice)}</li>" for _ in range(4)) + "</ul>")
        if section % 3 == 0:
            parts.append(_table(dice))
        if section % 4 == 0:
            parts.append(f'<pre><code class="language-python">def f(x):\n    return "{_words(dice, 3)}"\n</code></pre>')
        size += sum(map(len, parts[before:]))
    parts.append(f"</article></main><footer><p>{_sentence(dice)}</p></footer></body></html>")
    return "".join(parts)


def _words(dice: random.Random, count: int) -> str:
    return " ".join(dice.choices(_WORDS.split(), k=count)).capitalize()


def _sentence(dice: random.Random) -> str:
    words = dice.choices(_WORDS.split(), k=dice.randint(8, 22))
    place = dice.randrange(len(words))
    kind = dice.random()
    if kind < 0.3:
        words[place] = f'<a href="/wiki/{words[place]}?id={place}">{words[place]}</a>'
    elif kind < 0.45:
        words[place] = f"<em>{words[place]}</em>"
    elif kind < 0.55:
        words[place] = f"<strong>{words[place]}</strong>"
    elif kind < 0.6:
        words[place] = f"<code>{words[place]}_{place}</code>"
    return f"{' '.join(words).capitalize()}."


def _paragraph(dice: random.Random) -> str:
    return f"<p>{' '.join(_sentence(dice) for _ in range(dice.randint(3, 6)))}</p>\n"


def _table(dice: random.Random) -> str:
    rows = ["<tr>" + "".join(f"<td>{_words(dice, 2)}</td>" for _ in range(4)) + "</tr>" for _ in range(6)]
    head = "<tr>" + "".join(f"<th>{_words(dice, 1)}</th>" for _ in range(4)) + "</tr>"
    return f"<table><thead>{head}</thead><tbody>{''.join(rows)}</tbody></table>"


def _measured(rounds: int, work: Callable[[], object]) -> list[float]:
    samples = []
    for _ in range(rounds):
        started = time.perf_counter()
        work()
        samples.append(time.perf_counter() - started)
    return samples


def _verdict(samples: list[float], target_seconds: float) -> None:
    median = sorted(samples)[len(samples) // 2]
    print(f"{'':<44} target <= {target_seconds * 1e3:g} ms: {'holds' if median <= target_seconds else 'MISSED'}")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument("--rounds", type=int, default=200)
    rounds = arguments.parse_args().rounds
    html = article()
    document = parse(html, _URL)
    print(f"{len(html)} characters of HTML, {sum(1 for _ in document.root.walk())} elements")
    converting = _measured(rounds, lambda: to_markdown(document))
    show("tree to markdown", converting)
    _verdict(converting, CONVERT_TARGET_SECONDS)
    whole = _measured(rounds, lambda: to_markdown(document, Options(main_only=True)))
    show("main content and markdown", whole)
    _verdict(whole, WHOLE_TARGET_SECONDS)
    from_html = _measured(rounds, lambda: to_markdown(parse(html, _URL)))
    show("HTML to markdown", from_html)
    _verdict(from_html, WHOLE_TARGET_SECONDS)
    show("HTML to tree", _measured(rounds, lambda: parse(html, _URL)))
    long = article(10 * _CHARACTERS)
    show("ten times the size, HTML to markdown", _measured(rounds // 10 + 1, lambda: to_markdown(parse(long, _URL))))


if __name__ == "__main__":
    main()
