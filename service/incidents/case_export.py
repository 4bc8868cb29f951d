"""Cases of incidents for the library: stored when they are ranked, exported when their cause is known."""

from __future__ import annotations

import logging
from collections import OrderedDict
from dataclasses import replace
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

from models.cases.case import case_id_of
from models.cases.files import StoredCase
from models.cases.library import case_paths, path_of, read_case, remove_case, write_case
from models.errors import CaseTooLargeError
from service.store.audit import VERDICT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta
    from pathlib import Path

    from models.cases.case import Alert, Case
    from service.clock import WallClock
    from service.incidents.ranking_document import RankingDocument
    from service.incidents.records import Incident
    from service.masking import IncomingMasks
    from service.store.audit import Audit, Entry
    from service.store.incidents import IncidentStore

logger = logging.getLogger(__name__)

MAX_REMOVED: Final = 1_000
"""Cases that are removed at once, so that a mistake is seen before all is gone."""

MAX_WAITING: Final = 64
"""Cases in memory that are not on disk yet; the first of a storm are stored."""


class CaseExport:
    """Brings the cases of closed incidents to the library, in the background.

    Parameters
    ----------
    masks
        What is masked in what senders wrote.
    ranked
        Directory of the cases of all ranked alerts.
    library
        Directory of the cases whose cause is confirmed.
    retention
        Age at which a ranked case without a verdict is removed.
    """

    def __init__(
        self,
        ranked: Path,
        library: Path,
        incidents: IncidentStore,
        audit: Audit,
        clock: WallClock,
        *,
        masks: IncomingMasks,
        retention: timedelta,
    ) -> None:
        self._ranked = ranked
        self._library = library
        self._incidents = incidents
        self._audit = audit
        self._clock = clock
        self._masks = masks
        self._retention = retention
        self._changing, self._advancing = Lock(), Lock()
        self._waiting: OrderedDict[str, StoredCase] = OrderedDict()
        self._n_left_out = 0
        self._n_received = self._n_seen = 0
        self._position = 0
        self._verdicts: dict[int, Entry] = {}
        self._failures: dict[str, str] = {}

    def receive(self, case: Case, document: RankingDocument) -> None:
        """Accept a case that was ranked, with its ranking; returns at once."""
        ranking = _masked_ranking(
            document.model_dump(mode="json", exclude={"page_snapshot"}), case, self._masks
        )
        with self._changing:
            self._n_received += 1
            if case.id in self._waiting or len(self._waiting) < MAX_WAITING:
                self._waiting[case.id] = StoredCase(_masked(case, self._masks), ranking)
            else:
                self._n_left_out += 1

    def advance_in_pause(self) -> None:
        """Do as `advance` does, unless a case came since the last call: ranking goes before writing.

        If half of `MAX_WAITING` cases wait, they are written all the same.
        """
        with self._changing:
            is_busy = self._n_received > self._n_seen and len(self._waiting) < MAX_WAITING // 2
            self._n_seen = self._n_received
        if not is_busy:
            self.advance()

    def advance(self) -> None:
        """Write what waits and export what is ready; what fails is tried again the next time."""
        with self._advancing:
            self._advance()

    def retain(self) -> None:
        """Remove the ranked cases whose retention has passed.

        The present is no later than the newest case: a machine whose clock is ahead removes nothing that is
        recent, and never the last case. At most `MAX_REMOVED` cases, the oldest, are removed at once.
        """
        stored = sorted((path.stat().st_mtime, path) for path in case_paths(self._ranked))
        if not stored:
            return
        earliest_s = min(self._clock.now().timestamp(), stored[-1][0]) - self._retention.total_seconds()
        old = [path for at_s, path in stored[:-1] if at_s < earliest_s][:MAX_REMOVED]
        for path in old:
            path.unlink(missing_ok=True)
            path.with_suffix(".npz").unlink(missing_ok=True)
        if old:
            logger.info("old cases removed", extra={"cases": len(old)})

    def health_problems(self) -> list[str]:
        """Return what prevents cases from reaching the library, usually nothing."""
        found = [f"case library: {what}: {reason}" for what, reason in list(self._failures.items())[:1]]
        if len(self._failures) > 1:
            found[0] += f", and {len(self._failures) - 1} more"
        if self._n_left_out:
            found.append(
                f"case library: {self._n_left_out} cases came too fast to be stored, or are too large"
            )
        return found

    def _advance(self) -> None:
        self._failures = {}
        self._write_waiting()
        for entry in self._audit.since(VERDICT, self._position):
            self._verdicts[int(entry.subject)] = entry  # the last one counts
            self._position = entry.position
        for number, entry in list(self._verdicts.items()):
            incident = self._incidents.get(number)
            if incident.closed_at is None:
                continue
            try:
                self._export(incident, entry)
            except (OSError, ValueError) as error:
                self._failures[f"incident {number}"] = str(error)
                logger.exception("export of a case failed", extra={"incident": number})
            else:
                del self._verdicts[number]

    def _write_waiting(self) -> None:
        with self._changing:
            waiting = dict(self._waiting)
        for name, stored in waiting.items():
            try:
                write_case(stored, self._ranked, may_thin=True)
            except CaseTooLargeError:
                self._n_left_out += 1
                logger.warning("case too large to store", extra={"case": name})
            except OSError as error:
                self._failures[f"case {name}"] = str(error)
                logger.exception("writing a case failed", extra={"case": name})
                continue
            except ValueError as error:  # it cannot be written at all, and must not hold up the others
                self._failures[f"case {name}"] = str(error)
                logger.exception("a case cannot be written", extra={"case": name})
            with self._changing:
                if self._waiting.get(name) is stored:
                    del self._waiting[name]

    def _export(self, incident: Incident, verdict: Entry) -> None:
        """Bring the library in line with the last verdict."""
        alerts = [incident.lead.alert, *(each.alert for each in self._incidents.alerts_of(incident.id))]
        causes = tuple(verdict.document["causes"])
        source = None if not causes else self._source(alerts)
        if source is None:
            for name in map(case_id_of, alerts if not causes else ()):
                remove_case(self._library, name)
            return
        stored = read_case(source)
        if source.parent == self._library and stored.case.cause == causes:
            return
        write_case(replace(stored, case=replace(stored.case, cause=causes)), self._library)

    def _source(self, alerts: list[Alert]) -> Path | None:
        """Return the path of the case that represents an incident: the lead's, or else the first there is."""
        for directory in (self._library, self._ranked):
            for alert in alerts:
                path = path_of(directory, case_id_of(alert))
                if path.is_file():
                    return path
        return None


def _masked(case: Case, masks: IncomingMasks) -> Case:
    """The case without secrets in what senders wrote: an earlier release stored it as it was sent."""
    others = tuple(map(masks.alert, case.other_alerts))
    return replace(
        case, alert=masks.alert(case.alert), changes=tuple(masks.changes(case.changes)), other_alerts=others
    )


def _masked_ranking(document: Mapping[str, Any], case: Case, masks: IncomingMasks) -> dict[str, Any]:
    """A ranking's document, with the summaries of changes as the case has them."""
    sent = {each.summary: masks.text(each.summary) for each in case.changes}
    changed = {summary: masked for summary, masked in sent.items() if masked != summary}

    def masked(evidence: Mapping[str, Any]) -> dict[str, Any]:
        sentence = evidence["sentence"]
        for summary, mask in changed.items():
            sentence = sentence.replace(summary, mask)
        return {**evidence, "sentence": sentence}

    candidates = [
        {**each, "evidence": [masked(evidence) for evidence in each["evidence"]]}
        for each in document.get("candidates", [])
    ]
    return {**document, "candidates": candidates}
