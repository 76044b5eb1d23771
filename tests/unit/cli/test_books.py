"""The audit of the meter's books and of those of calls to models, once on each database."""

from decimal import Decimal

import pytest
from sqlalchemy import Connection, text

from noctule.cli.books import AuditedBooks, audit_books
from noctule.db.engine import Database
from noctule.llm import store
from noctule.llm.prices import PriceEntry
from noctule.llm.protocol import Payer
from noctule.llm.store import ModelUse, SentCall
from noctule.llm.tokens import Tokens
from noctule.metering.book import PriceBook
from noctule.metering.service import Metering
from tests.support.clock import FrozenClock
from tests.support.units import read, write

PRICED = PriceEntry("p", (("input_mtok", Decimal(1)),))
UNPRICED = PriceEntry("unpriced", is_known=False)


class Books:
    """A meter, and calls of one server that was killed."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.clock = FrozenClock()
        self.metering = Metering(self.clock, PriceBook.built_in(), instance_id="one", boot_id="boot")

    def send(self, call_id: str, model: str = "m") -> None:
        call = SentCall(call_id, Payer("a"), "test", "custom", model, False, self.clock.now(), "one", "boot")
        write(self.database, store.add, call)

    def finish(self, call_id: str, entry: PriceEntry, cost_nanos: int) -> None:
        use = ModelUse(Tokens(input=1_000), False, "m", entry, cost_nanos)
        write(self.database, store.finish, call_id, use, self.clock.now())

    def lose_what_is_out(self) -> None:
        def step(connection: Connection) -> None:
            store.mark_unknown(connection, instance_id="one", boot_id="next", sent_before=self.clock.now())

        write(self.database, step)

    def audited(self) -> AuditedBooks:
        return read(self.database, lambda connection: audit_books(self.metering, connection))

    def broken(self) -> list[tuple[str, tuple[str, ...], int]]:
        return [(each.name, each.violations, each.violation_count) for each in self.audited().checks if not each.ok]


@pytest.fixture
def books(database: Database) -> Books:
    return Books(database)


def test_calls_at_their_stored_price_pass(books: Books) -> None:
    books.send("c")
    books.finish("c", PRICED, 1_000_000)
    audited = books.audited()
    assert (audited.ok, audited.notes) == (True, ())
    assert {"ledger-balanced", "model-prices"} <= {check.name for check in audited.checks}


def test_a_cost_that_its_price_does_not_make_breaks_the_books(books: Books) -> None:
    books.send("c")
    books.finish("c", PRICED, 999_999)
    assert books.broken() == [("model-prices", ("llm:c cost 999999 nanos, its price makes another sum",), 1)]


def test_a_stored_price_that_is_damaged_breaks_the_books(books: Books) -> None:
    books.send("c")
    books.finish("c", PRICED, 1_000_000)
    write(books.database, lambda connection: connection.execute(text("UPDATE llm_call SET price = 'gone'")).rowcount)
    assert books.broken() == [("model-prices", ("llm:c has a stored price that cannot be read",), 1)]


def test_calls_that_a_kill_left_out_are_told_and_break_nothing(books: Books) -> None:
    for number in range(25):
        books.send(f"c{number:02}")
    books.lose_what_is_out()
    audited = books.audited()
    assert audited.ok
    assert audited.notes[0] == (
        "model-calls: llm:c00 to custom/m was out when its server ended; nothing was charged for it"
    )
    assert audited.notes[20:] == ("model-calls: and 5 more",)


def test_models_without_a_price_are_told_by_name(books: Books) -> None:
    for number, model in enumerate(["b", "a", "b"]):
        books.send(f"c{number}", model)
        books.finish(f"c{number}", UNPRICED, 0)
    assert books.audited().notes == (
        "unpriced-models: custom/a has no price in the books of 1 call",
        "unpriced-models: custom/b has no price in the books of 2 calls",
    )
