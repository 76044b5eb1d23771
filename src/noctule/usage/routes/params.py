"""Parameters that several operations of usage share."""

from typing import Annotated

from fastapi import Query

Period = Annotated[
    str | None, Query(description="A calendar month in UTC, such as May 2025; the current one if left out.")
]
