"""Log lines: one event each, a constant message with its values as fields."""

from __future__ import annotations

import json
import logging

from features.masking.masker import mask_text
from telemetry.addresses import shown_address

_KNOWN = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName", "color_message"}


class FieldsFormatter(logging.Formatter):
    """Writes the time, the level, the message, and the fields as ``name=value``.

    Wherever it comes from, also in tracebacks, no address is written with its user information, and what a
    sender wrote is masked as in its log lines.

    >>> record = logging.makeLogRecord({"msg": "ranking failed", "levelname": "ERROR", "item": "a b"})
    >>> FieldsFormatter("%(levelname)s %(message)s").format(record)
    'ERROR ranking failed item="a b"'
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the line and the traceback, if there is one."""
        return mask_text(shown_address(super().format(record)))

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  the base class's name
        """Return the line, without a traceback."""
        fields = {name: value for name, value in record.__dict__.items() if name not in _KNOWN}
        text = "".join(f" {name}={json.dumps(value, default=str)}" for name, value in fields.items())
        return super().formatMessage(record) + text


def configure_logging(level: int = logging.INFO) -> None:
    """Send the service's log to the standard error stream."""
    handler = logging.StreamHandler()
    handler.setFormatter(FieldsFormatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in ("uvicorn", "alembic", "httpx2"):  # the last names each address, which may hold a secret
        logging.getLogger(name).setLevel(logging.WARNING)
