"""The JSON document of a stored case: its fields and their allowed values."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from cmdb.items import EdgeKind
from features.golden import Role

SCHEMA_VERSION: Final = 1

Name = Annotated[str, Field(min_length=1, max_length=500)]
Text = Annotated[str, Field(max_length=100_000)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class AlertDocument(_Strict):
    """An alert; its item and start are all that a ranking needs."""

    item: Name
    starts_at: AwareDatetime = Field(description="ISO 8601 with an offset, such as 2026-03-04T02:00:00Z")
    name: Text = "alert"
    fingerprint: Text = ""
    severity: Text = ""
    role: Role | None = None
    labels: dict[str, Text] = {}
    annotations: dict[str, Text] = {}


class ItemDocument(_Strict):
    """A configuration item; needed only for details that edges and signals do not give."""

    id: Name
    kind: Text = "service"
    name: Text = ""
    team: Text = ""
    attributes: dict[str, Text] = {}


class EdgeDocument(_Strict):
    """The dependent needs the dependency."""

    dependent: Name
    dependency: Name
    kind: EdgeKind = EdgeKind.CALLS


class ChangeDocument(_Strict):
    """A change event of an item."""

    id: Name
    item: Name
    at: AwareDatetime
    kind: Text = "deploy"
    summary: Text = ""


class SeriesDocument(_Strict):
    """Metrics of items on one regular grid, ``null`` where a tick is missing."""

    start: AwareDatetime
    step_s: float = Field(gt=0, le=86_400)
    values: dict[Name, dict[str, list[float | None]]] = Field(
        description="item → metric, its unit in its name (latency_ms, error_percent, …) → one value per tick"
    )


class SumsDocument(_Strict):
    """The names of the sums of spans or log lines; the numbers are in the arrays."""

    window: dict[str, Any] | None = None
    normal: dict[str, Any] | None = None


class ArraysDocument(_Strict):
    """The file with the numbers of a case that Sunspot wrote."""

    file: Name
    digest: Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
    step_ms: int = Field(gt=0)
    spans: SumsDocument = SumsDocument()
    logs: SumsDocument = SumsDocument()


class CaseDocument(_Strict):
    """One incident. Its signals are given in one of three ways: ``series``, ``csv`` or ``arrays``."""

    schema_version: Literal[1]
    id: Name
    alert: AlertDocument
    at: AwareDatetime | None = Field(
        default=None, description="the present instant of the ranking; by default after the last tick"
    )
    system: Annotated[str, Field(max_length=100)] = ""
    fault_type: Annotated[str, Field(max_length=100)] = ""
    cause: list[Name] = Field(default=[], description="the confirmed causes, by item")
    items: list[ItemDocument] = []
    edges: list[EdgeDocument] = []
    series: SeriesDocument | None = None
    csv: Name | None = Field(
        default=None,
        description="file beside this one: columns time, item, and one per metric, its unit in its name",
    )
    arrays: ArraysDocument | None = None
    changes: list[ChangeDocument] = []
    change_ages_days: list[Annotated[float, Field(ge=0)]] = Field(
        default=[], description="trading days from each change to the alert; empty counts calendar days"
    )
    other_alerts: list[AlertDocument] = []
    notes: list[Text] = []
    graph_version: Text = ""
    bundle_version: Text = ""
    ranking: dict[str, Any] | None = Field(
        default=None, description="the ranking of that time, as the service stores it"
    )

    @model_validator(mode="after")
    def _has_signals_once(self) -> CaseDocument:
        if sum(each is not None for each in (self.series, self.csv, self.arrays)) != 1:
            raise ValueError("give the signals once: as series, as csv, or as arrays")
        return self
