"""An inbox: find a mail by its sender, then delete, star, answer or forward it.

Its icons have no names; they are told apart by the hints of the observation.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bench.miniwob.observation import Observation, Thing, first
from bench.miniwob.page import Page, Puzzled

_LEAST_LINE_PX = 30
_DELETE = r"\b(?:delet|trash|remov|get rid|recycling|throw|out of my inbox|don't want)"
_NAME = r"([A-Z][\w-]+?)"


@dataclass(frozen=True)
class _Errand:
    """What is to be done with the mail of a sender: ``text`` is an answer's, ``receiver`` whom it is sent on to."""

    sender: str
    is_delete: bool = False
    text: str = ""
    receiver: str = ""


def handle_mail(page: Page) -> None:
    """A mail in plain words, whichever of the four is asked for."""
    mails = _mails(page.look())
    errand = _understood(page.task, [mail.name for mail in mails])
    mail = next(mail for mail in mails if _is_by(mail.name, errand.sender))
    if not errand.text and not errand.receiver:
        icons = page.seen.lines[page.seen.lines.index(mail) + 1 :]
        page.click(first(icons, lambda icon: icon.hint == ("trash" if errand.is_delete else "star")))
    page.click(mail)
    page.click(page.await_named("Reply" if errand.text else "Forward"))
    page.fill(page.await_thing(lambda seen: seen.fields), errand.text or errand.receiver)
    page.click(first(page.look().things, lambda thing: "send" in thing.hint))


def _understood(task: str, mails: Sequence[str]) -> _Errand:
    """The utterance, in the light of who has written."""
    quoted = re.search(r'"(.*)"', task)
    said = task.replace(quoted[0], "") if quoted else task
    words = [re.sub(r"'s$", "", word) for word in re.findall(r"[A-Z][\w'-]*", said)]
    senders = [name for word in words for name in (word, word.removesuffix("s")) if _has_written(name, mails)]
    if not senders:
        raise Puzzled(f"nobody of {task!r} has written")
    if quoted:
        return _Errand(senders[0], text=quoted[1])
    others = [name for name in senders if name != senders[0]]
    to = re.search(rf"\bto (?:be sent to )?{_NAME}(?:'|\W|$)", said)
    if to or others:
        return _forwarding(said, senders, to[1] if to else "")
    return _Errand(senders[0], is_delete=bool(re.search(_DELETE, said, re.IGNORECASE)))


def _forwarding(said: str, senders: Sequence[str], receiver: str) -> _Errand:
    """Sender and receiver, by the words in front of each name."""
    if not receiver:
        sender = re.search(rf"\b(?:from|by) {_NAME}\b|{_NAME}(?:'s| sent)\b", said)
        by = (sender[1] or sender[2]) if sender else senders[-1]
        receiver = next((name for name in senders if name != by), "")
    return _Errand(next((name for name in senders if name != receiver), receiver), receiver=receiver)


def _has_written(name: str, mails: Sequence[str]) -> bool:
    return any(_is_by(mail, name) for mail in mails)


def _is_by(mail: str, name: str) -> bool:
    return bool(re.match(rf"{re.escape(name)}\b(?!-)", mail))


def _mails(seen: Observation) -> list[Thing]:
    return [thing for thing in seen.things if thing.name and thing.place.height >= _LEAST_LINE_PX]
