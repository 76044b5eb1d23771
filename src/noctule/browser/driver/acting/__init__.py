"""Acting on a page as a person does: finds the element, waits until it can be acted on, moves the mouse, types.

What must always hold: every command ends inside its bound; nothing is written into the page's document but what the
person's own action writes; what was typed is in no message.
"""

from noctule.browser.driver.acting.actor import Actor

__all__ = ["Actor"]
