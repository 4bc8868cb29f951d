"""The doors that the settings ask for, each with the worker that looks after it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from service.background import Repeating
from service.doors.errors import BadKafkaSettingsError
from service.doors.grpc_door import GrpcDoor

if TYPE_CHECKING:
    from contextlib import ExitStack

    from service.doors.kafka_source import KafkaSource
    from service.rooms import Rooms

SWEEP_S, KAFKA_S = 1.0, 0.5


class Doors:
    """The doors of a service, open but not yet answering.

    Attributes
    ----------
    grpc, kafka
        ``None`` where it is off.
    workers
        Look after the doors; their health records show that a door is open.
    """

    def __init__(self, rooms: Rooms, opened: ExitStack) -> None:
        """Open the doors of the settings; ``opened`` closes them.

        Raises
        ------
        OSError
            If an address cannot be had.
        BadKafkaSettingsError
            If the settings of Kafka cannot be used, or its package is missing.
        """
        self.grpc: GrpcDoor | None = None
        self.workers: list[Repeating] = []
        if rooms.settings.otlp_grpc_port is not None:
            self.grpc = GrpcDoor(rooms)
            opened.callback(self.grpc.stop)
            record = rooms.health.record("grpc", every=timedelta(seconds=SWEEP_S))
            self.workers.append(Repeating(self.grpc.sweep, record, every_s=SWEEP_S))
        self.kafka: KafkaSource | None = None
        if rooms.settings.kafka_brokers:
            self.kafka = _kafka(rooms)
            opened.callback(self.kafka.close)
            record = rooms.health.record("kafka", every=timedelta(seconds=KAFKA_S))
            self.workers.append(Repeating(self.kafka.advance, record, every_s=KAFKA_S))

    def start(self) -> None:
        """Let in what comes from now on."""
        if self.grpc is not None:
            self.grpc.start()

    def stop(self) -> None:
        """Let nothing in any more; what was let in is finished first."""
        if self.grpc is not None:
            self.grpc.stop()
        if self.kafka is not None:
            self.kafka.stop()


def _kafka(rooms: Rooms) -> KafkaSource:
    try:
        from service.doors.kafka_source import KafkaSource  # noqa: PLC0415  its package is an extra
    except ModuleNotFoundError as error:
        raise BadKafkaSettingsError("install sunspot with the extra kafka") from error
    return KafkaSource(rooms)
