"""What can go wrong at the doors beside HTTP."""

from __future__ import annotations


class BadKafkaSettingsError(ValueError):
    """Settings of Kafka that cannot be used."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"cannot read from Kafka: {reason}")
        self.reason = reason


class KafkaTopicsError(LookupError):
    """Topics that the brokers do not have, or not for this reader."""

    def __init__(self, topics: list[str]) -> None:
        super().__init__(f"the brokers have no topics {', '.join(topics)} for this reader")
        self.topics = topics


class UnreadableRecordError(ValueError):
    """A record of a topic that cannot be read, or not be stored; to read it again would not help.

    Attributes
    ----------
    kind
        What it is counted as.
    """

    def __init__(self, kind: str, reason: str) -> None:
        super().__init__(reason)
        self.kind = kind
        self.reason = reason
