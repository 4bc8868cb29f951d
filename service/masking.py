"""What is masked on its way in: log lines, alerts and changes."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from features.masking.log_lines import mask_logs
from features.masking.masker import Masker
from features.masking.own_patterns import BadPatternsError, read_patterns
from service.errors import BadMaskingFileError

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping
    from pathlib import Path

    from cmdb.items import ChangeEvent
    from models.cases.case import Alert
    from service.incidents.records import Notification
    from service.settings import Settings
    from telemetry.logs import Logs

NAMING: Final = frozenset(
    {"alertname", "severity", "source", "fingerprint", "__name__", "metric", "series", "team"}
    | {"cluster", "namespace", "pod", "container", "node", "host", "hostname", "device", "endpoint", "region"}
)
"""Labels that say what an alert is about and where, beside those of the settings that name items."""

BOUNDS: Final = frozenset({"le", "quantile"})
"""Labels of the parts of histograms and summaries."""

OFTEN_WORDS: Final = frozenset({"auth", "secret", "session", "sid", "ticket"})
"""Labels of metrics that name a way, an object or a part of the day as often as they hold a secret."""

A_WORD: Final = re.compile(r"[A-Za-z]+(?:[_./-][A-Za-z]+)*[0-9]{0,2}")

MAX_REMEMBERED: Final = 20_000
SHORT_CHARACTERS: Final = 256
"""Longest value of a label that is remembered with its mask."""


class IncomingMasks:
    """Masks what is received, before it is stored.

    Parameters
    ----------
    naming
        Labels whose values are never masked: they name an item or a series.
    """

    def __init__(self, masker: Masker, *, naming: Iterable[str] = ()) -> None:
        self._masker = masker
        self._naming = NAMING | frozenset(naming)
        self._remembered_label = lru_cache(maxsize=MAX_REMEMBERED)(self._label)

    def logs(self, logs: Logs) -> Logs:
        """Return a batch of log lines with its texts masked."""
        return mask_logs(logs, self._masker)

    def notifications(
        self, notifications: Iterable[Notification], items: Container[str]
    ) -> list[Notification]:
        """Return alerts as they arrived, each masked as by `alert`."""
        return [replace(each, alert=self.alert(each.alert, items)) for each in notifications]

    def alert(self, alert: Alert, items: Container[str] = ()) -> Alert:
        """Return an alert with its annotations masked, and its labels but for those that name something.

        A label whose value is a known item stays, too; so do the item, name and fingerprint, which were read
        from the labels before.
        """
        kept = self._naming | {name for name, value in alert.labels.items() if value in items}
        return replace(
            alert,
            labels=self._masker.labels(alert.labels, kept=kept),
            annotations=self._masker.labels(alert.annotations),
        )

    def changes(self, events: Iterable[ChangeEvent]) -> list[ChangeEvent]:
        """Return change events with their summaries masked."""
        events = list(events)
        summaries = self._masker.lines([each.summary for each in events])
        return [replace(each, summary=summary) for each, summary in zip(events, summaries, strict=True)]

    def series_labels(self, labels: Mapping[str, str]) -> dict[str, str]:
        """Return a metric's labels, masked but for those that name something: they become a series' name.

        Series that differ only in what is masked become one.
        """
        return {
            name: (self._remembered_label if len(text) <= SHORT_CHARACTERS else self._label)(name, text)
            for name, text in labels.items()
        }

    def _label(self, name: str, text: str) -> str:
        is_kept = name in self._naming | BOUNDS or (name in OFTEN_WORDS and A_WORD.fullmatch(text))
        return text if is_kept else self._masker.labels({name: text})[name]

    def text(self, text: str) -> str:
        """Return a text masked."""
        return self._masker.text(text)


def incoming_masks(settings: Settings) -> IncomingMasks:
    """Make the masks of the settings, with the firm's own patterns.

    Raises
    ------
    BadMaskingFileError
        If the file of patterns cannot be read, or one of them cannot be used.
    """
    masker = masker_from(settings.masking_patterns)
    return IncomingMasks(masker, naming=(*settings.item_labels, *settings.service_labels))


def masker_from(path: Path | None) -> Masker:
    """Return a masker with the patterns of a file; only what is built in without one.

    Raises
    ------
    BadMaskingFileError
        If the file cannot be read, or a pattern in it cannot be used.
    """
    if path is None:
        return Masker()
    try:
        return Masker(read_patterns(path.read_text(encoding="utf-8-sig")))
    except (OSError, UnicodeDecodeError, BadPatternsError) as error:
        raise BadMaskingFileError(path, str(error)) from error
