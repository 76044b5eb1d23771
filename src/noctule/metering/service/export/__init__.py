"""Costs on their way to other tools: one row for each event, as plain CSV or in the columns of FOCUS."""

from noctule.metering.service.export.export import Export, ExportFormat

__all__ = ["Export", "ExportFormat"]
