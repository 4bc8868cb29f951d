"""Sentences about how an answer differs from the one before."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from service.incidents.ranking_document import (
    CandidateDocument,
    EvidenceDocument,
    RankingDocument,
    what_changed,
)


def a_ranking(*causes: str, abstained: str = "", kinds: tuple[str, ...] = ("errors",)) -> RankingDocument:
    evidence = tuple(EvidenceDocument(kind=kind, weight=1.0, sentence="", figures={}) for kind in kinds)
    return RankingDocument(
        ranker="sunspot",
        candidates=tuple(
            CandidateDocument(item=item, score=1.0, probability=0.5, hops=0, path=(), evidence=evidence)
            for item in causes or ("db",)
        ),
        n_candidates=9,
        abstained=abstained,
        causes=causes,
        unseen=(),
        graph_version="",
        bundle_version="",
        code_version="",
        window_start_ms=0,
        window_end_ms=0,
        ranked_at=datetime(2026, 3, 4, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("before", "now", "sentences"),
    [
        (a_ranking("a"), a_ranking("a"), ()),
        (a_ranking("a"), a_ranking("b"), ("The first cause is b (50 %) now; it was a (50 %).",)),
        (a_ranking("a"), a_ranking("a", "b"), ("b is named too, for what a does not explain.",)),
        (a_ranking("a", "b"), a_ranking("a"), ("b is no longer named beside a.",)),
        (
            a_ranking("a", "b", "c"),
            a_ranking("a", "c", "b"),
            ("The causes named beside a are in another order.",),
        ),
        (
            a_ranking("a"),
            a_ranking(abstained="nothing is worse"),
            ("a (50 %) is no longer named as the cause (nothing is worse).",),
        ),
        (
            a_ranking(abstained="no signal came"),
            a_ranking(abstained="traffic surge (80 %): requests rose"),
            ("Still no cause is named: traffic surge (80 %): requests rose.",),
        ),
        (a_ranking(abstained="traffic surge (80 %)"), a_ranking(abstained="traffic surge (90 %)"), ()),
        (
            a_ranking("a"),
            a_ranking("a", kinds=("errors", "cpu", "weaker_signs")),
            ("New evidence against a: cpu.",),
        ),
        (a_ranking("a"), a_ranking("a", kinds=("errors", "weaker_signs")), ()),
    ],
)
def test_every_other_answer_has_a_sentence_that_says_how_it_differs(
    before: RankingDocument, now: RankingDocument, sentences: tuple[str, ...]
) -> None:
    assert what_changed(before, now) == sentences
    assert bool(sentences) or before.answer == now.answer


def test_a_first_answer_differs_from_nothing() -> None:
    assert what_changed(None, a_ranking("a")) == ()
