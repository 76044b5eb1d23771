"""What writing one document needs everywhere: the options, the survey, the addresses, what is left out."""

from dataclasses import dataclass

from noctule.extraction.markdown.links import Addresses
from noctule.extraction.markdown.survey import Survey
from noctule.extraction.markdown.tags import UNSEEN


@dataclass(frozen=True, slots=True)
class Options:
    """How a document is written.

    ``links`` false keeps the text of links alone, ``images`` false drops images, ``ignored_tags`` are dropped with
    all that they hold, ``placeholders`` writes ``link1`` and ``img1.png`` for addresses, ``main_only`` writes only
    the main content, and ``frames`` false leaves the documents of iframes out.
    """

    links: bool = True
    images: bool = True
    ignored_tags: tuple[str, ...] = ()
    placeholders: bool = False
    main_only: bool = False
    frames: bool = True


@dataclass(frozen=True, slots=True)
class Markdown:
    """A document as markdown; ``placeholders`` are the addresses that its placeholders stand for."""

    text: str
    placeholders: dict[str, str]


class Context:
    """One document while it is written. ``skipped`` are tags that are not written at all."""

    def __init__(self, options: Options, found: Survey, addresses: Addresses) -> None:
        self.options = options
        self.survey = found
        self.addresses = addresses
        ignored = {tag.strip().lower() for tag in options.ignored_tags}
        self.skipped = frozenset(UNSEEN | ignored)
        # Elements whose text something else has already taken, such as the checkbox of a task.
        self.taken: set[int] = set()
