"""``GET /usage/export``."""

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse

from noctule.kit.web import CallerDep
from noctule.usage.routes.params import Period
from noctule.usage.service import ExportFormat, UsageService


def add(routes: APIRouter, service: UsageService) -> None:
    """A month's charges as a document."""

    @routes.get(
        "/usage/export",
        operation_id="usage_export",
        summary="Export Usage",
        response_class=StreamingResponse,
        responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}, "description": "The rows, as CSV."}},
    )
    async def export(
        caller: CallerDep,
        period: Period = None,
        format: Annotated[
            ExportFormat, Query(description="`csv`: all that is known. `focus`: the columns of FOCUS 1.2.")
        ] = ExportFormat.CSV,
    ) -> StreamingResponse:
        """Every charge of a month, one row each, as a CSV file that begins with a header.

        The rows are those booked when the request came. If the server has to break off, so does the
        response: a file that arrives whole is whole.
        """
        document = await service.export(caller.workspace_id, period, format)
        return StreamingResponse(
            document.pieces,
            media_type="text/csv",
            headers={
                "content-disposition": f'attachment; filename="{document.filename}"',
                "cache-control": "no-store",
            },
        )
