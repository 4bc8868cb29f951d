"""The JSON documents that report how spans were processed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from pydantic import BaseModel, Field

from service.durations import duration
from service.routes.documents import RejectedOut, first_hundred
from service.routes.log_documents import MAX_MESSAGE

if TYPE_CHECKING:
    from service.settings import Settings
    from service.spans.intake import ReceivedSpans
    from telemetry.decoders.gathering_spans import DecodedSpans


class SpansOut(BaseModel):
    """How a batch of spans was processed."""

    accepted: int = Field(description="on disk")
    rejected: int = Field(description="not accepted")
    rejections: list[RejectedOut] = Field(description="why, for the first hundred")
    late: int = Field(description="accepted, of traces that had been summed up: on disk only")

    @classmethod
    def of(cls, decoded: DecodedSpans, received: ReceivedSpans, settings: Settings) -> Self:
        """Return the document of a batch that was decoded and received."""
        past, future = duration(settings.accepted_past), duration(settings.accepted_future)
        counted = (
            (received.n_too_old, f"are over {past} old"),
            (received.n_too_new, f"are over {future} in the future"),
        )
        rejections: list[tuple[int | None, str]] = [(None, f"{n} spans {why}") for n, why in counted if n]
        rejections += [(each.index, each.reason) for each in decoded.rejected[:100]]
        return cls(
            accepted=received.n_accepted,
            rejected=decoded.n_rejected + received.n_too_old + received.n_too_new,
            rejections=first_hundred(rejections),
            late=received.n_late,
        )


class PartlyTracedOut(BaseModel):
    """What an export of traces did not deliver."""

    rejectedSpans: str = Field(description="a number in quotes, as the protocol has it")  # noqa: N815
    errorMessage: str  # noqa: N815


class ExportTracesOut(BaseModel):
    """An export's answer in OpenTelemetry's words; without rejections it is empty."""

    partialSuccess: PartlyTracedOut | None = None  # noqa: N815

    @classmethod
    def of(cls, outcome: SpansOut) -> Self:
        """Return the answer in OpenTelemetry's words."""
        if not outcome.rejected:
            return cls()
        message = "; ".join(each.reason for each in outcome.rejections)[:MAX_MESSAGE]
        return cls(partialSuccess=PartlyTracedOut(rejectedSpans=str(outcome.rejected), errorMessage=message))

    def packed(self) -> bytes:
        """Return the answer in Protocol Buffers."""
        answer = ExportTraceServiceResponse()
        if self.partialSuccess is not None:
            answer.partial_success.rejected_spans = int(self.partialSuccess.rejectedSpans)
            answer.partial_success.error_message = self.partialSuccess.errorMessage
        packed: bytes = answer.SerializeToString()
        return packed
