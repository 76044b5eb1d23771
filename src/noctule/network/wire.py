"""The API's models of the network tag."""

from pydantic import Field

from noctule.kit.web import WireResponse
from noctule.network.service import NetworkLogs


class NetworkBatchFile(WireResponse):
    """One file of a session's exchanges, a JSON object a line."""

    key: str
    size: int
    download_url: str | None = Field(default=None, repr=False)
    download_url_expires_in_seconds: int | None = None


class NetworkLogsResponse(WireResponse):
    """The first files of a session's exchanges, and how many there are in all."""

    session_id: str
    format: str = "batched_v1"
    batches: list[NetworkBatchFile]
    total_batch_count: int

    @classmethod
    def of(cls, logs: NetworkLogs) -> "NetworkLogsResponse":
        """The files as they are told."""
        return cls(
            session_id=logs.session_id,
            batches=[
                NetworkBatchFile(
                    key=file.key,
                    size=file.size,
                    download_url=file.url,
                    download_url_expires_in_seconds=file.expires_in_seconds,
                )
                for file in logs.files
            ],
            total_batch_count=logs.total,
        )
