"""What a form field shows: its value as a person sees it, and never a secret."""

from noctule.extraction.document import Element
from noctule.extraction.markdown.tags import text_of
from noctule.extraction.markdown.text import squeezed

# A password's value is dots on the page; the rest show a control instead of a text.
_WITHOUT_TEXT = frozenset({"hidden", "password", "file", "image", "color", "range"})
_BOXES = ("☑", "☐", "◉", "○")
_MAX_CHARACTERS = 2000


def value(element: Element) -> str:
    """The text that a field shows; "" if none."""
    shown = _shown(element)[:_MAX_CHARACTERS]
    return f"{squeezed(shown)} " if shown[:1] in _BOXES else squeezed(shown)


def is_checkbox(element: Element) -> bool:
    """Whether it is a box that is checked or not."""
    return element.tag == "input" and element.attributes.get("type", "").lower() == "checkbox"


def is_checked(element: Element) -> bool:
    """Whether a checkbox or a radio button is on."""
    attributes = element.attributes
    return "checked" in attributes or attributes.get("aria-checked") == "true"


def _shown(element: Element) -> str:
    attributes = element.attributes
    if element.tag == "select":
        options = [node for node in element.walk() if node.tag == "option"]
        chosen = [option for option in options if "selected" in option.attributes]
        if not chosen and "multiple" not in attributes:
            chosen = options[:1]
        return ", ".join(option.attributes.get("label") or text_of(option) for option in chosen)
    if element.tag == "textarea":
        return attributes.get("value") or text_of(element)
    kind = attributes.get("type", "text").strip().lower()
    if kind == "checkbox":
        return "☑" if is_checked(element) else "☐"
    if kind == "radio":
        return "◉" if is_checked(element) else "○"
    return "" if kind in _WITHOUT_TEXT else attributes.get("value", "")
