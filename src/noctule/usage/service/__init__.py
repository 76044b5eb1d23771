"""The use cases of usage; the only door to them."""

from noctule.metering.service.breakdown import Dimension, Filters, Spent
from noctule.metering.service.export import ExportFormat
from noctule.usage.service.exports import Document
from noctule.usage.service.request_log import RequestLog
from noctule.usage.service.service import LabelledBreakdown, UsageService

__all__ = [
    "Dimension",
    "Document",
    "ExportFormat",
    "Filters",
    "LabelledBreakdown",
    "RequestLog",
    "Spent",
    "UsageService",
]
