"""The JSON documents that report how exported metrics were processed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse
from pydantic import BaseModel, Field

from service.routes.log_documents import MAX_MESSAGE

if TYPE_CHECKING:
    from service.routes.documents import SamplesOut


class PartlyExportedOut(BaseModel):
    """What an export of metrics did not deliver."""

    rejectedDataPoints: str = Field(description="a number in quotes, as the protocol has it")  # noqa: N815
    errorMessage: str  # noqa: N815


class ExportMetricsOut(BaseModel):
    """An export's answer in OpenTelemetry's words; without rejections it is empty."""

    partialSuccess: PartlyExportedOut | None = None  # noqa: N815

    @classmethod
    def of(cls, outcome: SamplesOut) -> Self:
        """Return the answer in OpenTelemetry's words."""
        if not outcome.rejected:
            return cls()
        message = "; ".join(each.reason for each in outcome.rejections)[:MAX_MESSAGE]
        return cls(
            partialSuccess=PartlyExportedOut(rejectedDataPoints=str(outcome.rejected), errorMessage=message)
        )

    def packed(self) -> bytes:
        """Return the answer in Protocol Buffers."""
        answer = ExportMetricsServiceResponse()
        if self.partialSuccess is not None:
            answer.partial_success.rejected_data_points = int(self.partialSuccess.rejectedDataPoints)
            answer.partial_success.error_message = self.partialSuccess.errorMessage
        packed: bytes = answer.SerializeToString()
        return packed
