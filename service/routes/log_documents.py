"""The JSON documents that report how log lines were processed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from pydantic import BaseModel, Field

from service.routes.documents import RejectedOut, first_hundred

if TYPE_CHECKING:
    from service.logs.intake import ReceivedLogs
    from service.settings import Settings
    from telemetry.decoders.gathering_logs import DecodedLogs

MAX_MESSAGE = 2_000


def reasons_of(settings: Settings) -> dict[str, str]:
    """Return why lines are rejected that can be read, in words after their number."""
    return {
        "too_old": f"lines are older than {settings.accepted_past}, or than the epoch",
        "too_new": f"lines are more than {settings.accepted_future} in the future",
        "without_service": "lines do not name the service that wrote them",
    }


class LogsOut(BaseModel):
    """How a batch of log lines was processed."""

    accepted: int = Field(description="on disk")
    rejected: int = Field(description="not accepted")
    rejections: list[RejectedOut] = Field(description="why, for the first hundred")
    garbled: int = Field(description="accepted, with bytes that are no text replaced by �")
    late: int = Field(description="of minutes that were closed: rankings see them, no score changes")
    outside_window: int = Field(description="older than what is held in memory: on disk only")

    @classmethod
    def of(cls, decoded: DecodedLogs, received: ReceivedLogs, settings: Settings) -> Self:
        """Return the document of a batch that was decoded and received."""
        counted = {
            "too_old": received.n_too_old,
            "too_new": received.n_too_new,
            "without_service": received.n_without_service,
        }
        rejections: list[tuple[int | None, str]] = [
            (None, f"{counted[why]} {reason}") for why, reason in reasons_of(settings).items() if counted[why]
        ]
        rejections += [(each.index, each.reason) for each in decoded.rejected[:100]]
        return cls(
            accepted=received.n_accepted,
            rejected=decoded.n_rejected + sum(counted.values()),
            rejections=first_hundred(rejections),
            garbled=decoded.n_garbled,
            late=received.n_late,
            outside_window=received.n_outside,
        )


class PartialSuccessOut(BaseModel):
    """What an export did not deliver."""

    rejectedLogRecords: str = Field(description="a number in quotes, as the protocol has it")  # noqa: N815
    errorMessage: str  # noqa: N815


class ExportLogsOut(BaseModel):
    """An export's answer in OpenTelemetry's words; without rejections it is empty."""

    partialSuccess: PartialSuccessOut | None = None  # noqa: N815

    @classmethod
    def of(cls, logs: LogsOut) -> Self:
        """Return the answer in OpenTelemetry's words."""
        if not logs.rejected:
            return cls()
        message = "; ".join(each.reason for each in logs.rejections)[:MAX_MESSAGE]
        return cls(
            partialSuccess=PartialSuccessOut(rejectedLogRecords=str(logs.rejected), errorMessage=message)
        )

    def packed(self) -> bytes:
        """Return the answer in Protocol Buffers."""
        answer = ExportLogsServiceResponse()
        if self.partialSuccess is not None:
            answer.partial_success.rejected_log_records = int(self.partialSuccess.rejectedLogRecords)
            answer.partial_success.error_message = self.partialSuccess.errorMessage
        packed: bytes = answer.SerializeToString()
        return packed
