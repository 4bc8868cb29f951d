"""Log lines in from senders that speak to Elasticsearch, and what these ask before they send.

They are told a version that none of them finds too old. Nothing is searched, kept as an index or set up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Depends, Response

from service.dependencies import Logs, RawBody, ServiceMetrics, ServiceSettings
from service.http.problems import BODY_ERRORS, READ_ERRORS, problems
from service.http.writer_gate import WRITES_SIGNALS
from service.receiving import receive_lines
from service.routes.bulk_documents import BulkOut, ClusterHealthOut, ClusterOut, LicenseOut
from service.routes.request_bodies import BULK_TEXT
from telemetry.decoders import bulk_logs
from telemetry.errors import BadBatchError

if TYPE_CHECKING:
    from service.logs.room import LogsRoom
    from service.metrics import Metrics
    from service.settings import Settings

PREFIX = "/elasticsearch"
SENDS: dict[str, Any] = {"dependencies": [WRITES_SIGNALS], "response_model_exclude_none": True}
ANSWERS = problems(BadBatchError, *BODY_ERRORS, *READ_ERRORS)


async def _says_what_it_plays(response: Response) -> None:
    """Add the header without which official clients refuse to go on."""
    response.headers["X-Elastic-Product"] = "Elasticsearch"


router = APIRouter(tags=["signals"], dependencies=[Depends(_says_what_it_plays)])


@router.get(PREFIX, responses=problems(*READ_ERRORS))
@router.get(f"{PREFIX}/", include_in_schema=False)
@router.head(PREFIX, include_in_schema=False)
@router.head(f"{PREFIX}/", include_in_schema=False)
def read_cluster() -> ClusterOut:
    """Read the version that Elasticsearch's clients ask for before they send."""
    return ClusterOut()


@router.get(f"{PREFIX}/_license", responses=problems(*READ_ERRORS))
@router.get(f"{PREFIX}/_xpack", include_in_schema=False)
def read_license() -> LicenseOut:
    """Read the licence that Beats and Logstash ask for before they send."""
    return LicenseOut()


@router.get(f"{PREFIX}/_cluster/health", responses=problems(*READ_ERRORS))
def read_cluster_health() -> ClusterHealthOut:
    """Read the health that Vector asks for before it sends."""
    return ClusterHealthOut()


@router.post(
    f"{PREFIX}/_bulk",
    openapi_extra=BULK_TEXT,
    responses=ANSWERS,
    **SENDS,
)
@router.put(
    f"{PREFIX}/_bulk",
    include_in_schema=False,
    **SENDS,
)
@router.post(
    "/_bulk", include_in_schema=False, dependencies=[WRITES_SIGNALS], response_model_exclude_none=True
)
@router.put(
    "/_bulk", include_in_schema=False, dependencies=[WRITES_SIGNALS], response_model_exclude_none=True
)
def send_documents(logs: Logs, metrics: ServiceMetrics, settings: ServiceSettings, body: RawBody) -> BulkOut:
    """Send log lines as documents, as to Elasticsearch's bulk interface.

    Beats, Logstash, Fluent Bit, Fluentd and Vector send so: their address is this service's with
    `/elasticsearch`. The answer comes when every accepted line is on disk, and has an item for each action.
    `Content-Encoding: gzip` is understood.
    """
    return _receive(body, "", logs, metrics, settings)


@router.post(
    f"{PREFIX}/{{index}}/_bulk",
    openapi_extra=BULK_TEXT,
    responses=ANSWERS,
    **SENDS,
)
@router.put(
    f"{PREFIX}/{{index}}/_bulk",
    include_in_schema=False,
    **SENDS,
)
@router.post(
    "/{index}/_bulk", include_in_schema=False, dependencies=[WRITES_SIGNALS], response_model_exclude_none=True
)
@router.put(
    "/{index}/_bulk", include_in_schema=False, dependencies=[WRITES_SIGNALS], response_model_exclude_none=True
)
def send_documents_of_index(
    logs: Logs, metrics: ServiceMetrics, settings: ServiceSettings, body: RawBody, index: str
) -> BulkOut:
    """Send log lines as documents of an index, which is the same but for the name in the answer."""
    return _receive(body, index, logs, metrics, settings)


def _receive(body: bytes, index: str, logs: LogsRoom, metrics: Metrics, settings: Settings) -> BulkOut:
    bulk = bulk_logs.decode(
        body, index=index, service_keys=settings.service_labels, max_bytes=settings.body_limit_bytes
    )
    return BulkOut.of(bulk, receive_lines(bulk.decoded, logs, metrics), settings)
