"""The service's settings, read once in start-up from ``SUNSPOT_…`` environment variables."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from models.artifacts.mlflow_names import MODEL_NAME, tracking_uri_for
from telemetry.addresses import shown_address
from telemetry.log_text.fields import SERVICE


class Present(StrEnum):
    """What counts as now."""

    WALL = "wall"  # the machine's clock
    SIGNALS = "signals"  # the end of the newest tick received: stored days are replayed


class KafkaForm(StrEnum):
    """How the records of a topic are written."""

    REMOTE_WRITE = "remote_write"  # Prometheus's, version 1.0, packed by snappy
    REMOTE_WRITE_2 = "remote_write_2"
    OTLP_METRICS = "otlp_metrics"  # OpenTelemetry's, in Protocol Buffers
    OTLP_METRICS_JSON = "otlp_metrics_json"
    OTLP_LOGS = "otlp_logs"
    OTLP_LOGS_JSON = "otlp_logs_json"
    OTLP_TRACES = "otlp_traces"
    OTLP_TRACES_JSON = "otlp_traces_json"
    SAMPLES = "samples"  # Sunspot's own JSON, as to /v1/samples
    LOGS = "logs"  # JSON lines, as to /v1/logs


class Settings(BaseSettings):
    """The operator's settings; every field is also the variable ``SUNSPOT_<FIELD>``."""

    model_config = SettingsConfigDict(
        env_prefix="SUNSPOT_",
        frozen=True,
        hide_input_in_errors=True,  # addresses may hold passwords
    )

    data_dir: Path = Field(
        Path("sunspot-data"), description="directory of the store, history and cached bundles"
    )
    host: str = Field("127.0.0.1", description="address to listen on")
    port: int = Field(8321, ge=0, le=65_535, description="port to listen on; 0 picks a free one")
    otlp_grpc_port: int | None = Field(
        None,
        ge=0,
        le=65_535,
        description="port for OpenTelemetry's protocol over gRPC, usually 4317; off unless set",
    )
    base_url: str = Field("", description="address of the pages for people; by default the one listened on")

    kafka_brokers: tuple[str, ...] = Field(
        (), description='brokers to read records from: ["kafka-1.example:9092"]; off unless set'
    )
    kafka_group: str = Field("sunspot", min_length=1, description="group of readers that Sunspot is one of")
    kafka_topics: dict[str, KafkaForm] = Field(
        default_factory=dict, description='topics to read, each with its form: {"metrics": "remote_write"}'
    )
    kafka_options: dict[str, SecretStr] = Field(
        default_factory=dict,
        description='further options of librdkafka: {"security.protocol": "SASL_SSL"}',
    )

    tracking_uri: str = Field("", description="MLflow's address; by default a file in the data directory")
    model_name: str = Field(MODEL_NAME, description="registered model whose champion serves")
    refresh_s: float = Field(5.0, gt=0, description="seconds between two checks of the champion's alias")

    session_length: timedelta = Field(
        timedelta(days=7), gt=timedelta(0), description="how long a person stays signed in at most"
    )
    session_idle: timedelta = Field(
        timedelta(hours=12),
        gt=timedelta(0),
        description="how long a person stays signed in without a request",
    )

    body_limit_bytes: int = Field(
        8 * 1024 * 1024, gt=0, description="longest request body, in bytes, unpacked"
    )
    body_budget_bytes: int = Field(
        64 * 1024 * 1024, gt=0, description="bodies in memory at once, in bytes, unpacked; others wait"
    )
    max_connections: int = Field(
        500, gt=0, description="connections at once; beyond it, the longest idle one is closed"
    )
    max_alerts: int = Field(2_000, gt=0, description="alerts of one webhook that are ranked")
    ranking_budget_s: float = Field(10.0, gt=0, description="seconds of ranking per webhook")
    max_series: int = Field(
        200_000, gt=0, description="series held in memory; further ones are only stored in history"
    )
    max_series_per_sender: int = Field(
        150_000, gt=0, description="of these, series of one token; further ones are only stored in history"
    )

    present: Present = Present.WALL
    accepted_past: timedelta = Field(timedelta(days=7), description="older samples are rejected")
    accepted_future: timedelta = Field(timedelta(minutes=5), description="later samples are rejected")
    window: timedelta = Field(
        timedelta(hours=6), gt=timedelta(0), description="how long signals are held in memory"
    )
    scoring_s: float = Field(1.0, gt=0, description="seconds between two checks for ticks to score")
    step: timedelta = Field(
        timedelta(minutes=1), gt=timedelta(0), description="tick length until a bundle sets it"
    )
    grace: timedelta = Field(timedelta(seconds=30), ge=timedelta(0), description="wait before a tick closes")

    page_budget: float = Field(1.0, gt=0, description="false pages a week that a team accepts")
    team_budgets: dict[str, Annotated[float, Field(gt=0)]] = Field(
        default_factory=dict, description='budgets of teams that accept another number: {"trading": 0.5}'
    )
    default_team: str = Field("operations", min_length=1, description="owner of items that have no team")
    silent_after: timedelta = Field(
        timedelta(minutes=5), gt=timedelta(0), description="Sunspot pages if no tick was scored for this long"
    )
    notify_url: str = Field(
        "", pattern="^(https?://.+)?$", description="where pages and new answers are posted as JSON"
    )
    outgoing: dict[str, str] = Field(
        default_factory=dict,
        description="the only targets that are sent to, each with its proxy or an empty text: "
        '{"*.example.internal": "", "https://chat.example": "http://proxy.example:3128"}',
    )

    prometheus_url: str = Field(
        "",
        pattern="^(https?://.+)?$",
        description="Prometheus, VictoriaMetrics or Thanos that is asked for what was not pushed",
    )
    prometheus_token: SecretStr = Field(SecretStr(""), description="bearer token for prometheus_url")

    item_labels: tuple[str, ...] = Field(
        ("ci", "item", "service", "service_name", "app", "job", "instance"),
        description="labels of alerts and metrics that may name the configuration item, best first",
    )
    service_labels: tuple[str, ...] = Field(
        SERVICE,
        description="fields and labels of a log line that may name its service, best first",
    )
    log_retention: timedelta = Field(
        timedelta(days=30), ge=timedelta(days=1), description="age at which log lines are removed from disk"
    )
    span_retention: timedelta = Field(
        timedelta(hours=6), ge=timedelta(hours=1), description="age at which spans are removed from disk"
    )
    retention: timedelta = Field(
        timedelta(days=400), ge=timedelta(days=1), description="age at which signals are removed from history"
    )
    case_library: Path | None = Field(
        None, description="directory that closed incidents are exported to; by default cases in data_dir"
    )
    case_retention: timedelta = Field(
        timedelta(days=30), gt=timedelta(0), description="age at which a case without a verdict is removed"
    )
    masking_patterns: Path | None = Field(
        None, description="TOML file of the firm's own patterns of what is masked beside what is built in"
    )
    incident_retention: timedelta = Field(
        timedelta(days=400),
        ge=timedelta(days=1),
        description="age at which a closed incident without a verdict is removed, with its alerts",
    )
    ranking_retention: timedelta = Field(
        timedelta(days=90),
        ge=timedelta(days=1),
        description="age at which earlier answers of a closed incident without a verdict are removed",
    )
    graph_retention: timedelta = Field(
        timedelta(days=90),
        ge=timedelta(days=1),
        description="age at which an earlier dependency graph that no answer refers to is removed",
    )
    roles: Path | None = Field(
        None, description="YAML file of the firm's own rules of what metrics mean, before the shipped ones"
    )
    calendar_overrides: Path | None = Field(
        None, description="TOML file of closures and openings beside the exchange calendar"
    )
    time_zone: str = Field("Asia/Shanghai", description="zone of the exchange, shown beside UTC")

    @property
    def mlflow_uri(self) -> str:
        """MLflow's address, the default resolved."""
        return self.tracking_uri or tracking_uri_for(self.data_dir)

    @property
    def address(self) -> str:
        """Address of the pages for people, without a slash at the end."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return shown_address(self.base_url.rstrip("/")) or f"http://{host}:{self.port}"


def is_loopback(host: str) -> bool:
    """Whether a host name or address can only be reached from this machine.

    >>> is_loopback("127.0.0.1"), is_loopback("::1"), is_loopback("localhost"), is_loopback("0.0.0.0")
    (True, True, True, False)
    """
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
