import pytest

from experiments.benchmarks.figures import reciprocal_rank, share_within
from models.rankers.ranking import Candidate, Ranking


def ranking(**scores: float) -> Ranking:
    candidates = (Candidate(item, score, 0.0) for item, score in scores.items())
    return Ranking("case", "ranker", tuple(sorted(candidates, key=lambda each: -each.score)))


def test_the_first_candidate_counts_fully_at_every_k() -> None:
    assert [share_within(ranking(a=3, b=2), ["a"], k) for k in (1, 3)] == [1.0, 1.0]


def test_a_tie_of_three_counts_a_third_at_each_rank() -> None:
    tied = ranking(a=1, b=1, c=1, d=0)
    assert [share_within(tied, ["a"], k) for k in (1, 2, 3)] == pytest.approx([1 / 3, 2 / 3, 1])


def test_a_missing_cause_counts_nothing() -> None:
    assert share_within(ranking(a=1), ["z"], 5) == 0.0
    assert reciprocal_rank(ranking(a=1), ["z"]) == 0.0


def test_the_best_ranked_of_several_causes_counts() -> None:
    assert share_within(ranking(a=3, b=2, c=1), ["c", "b"], 2) == 1.0


def test_reciprocal_rank_averages_over_a_tie() -> None:
    assert reciprocal_rank(ranking(a=2, b=1, c=1), ["b"]) == pytest.approx((1 / 2 + 1 / 3) / 2)


def test_without_a_fault_abstaining_is_right() -> None:
    assert share_within(ranking(a=1), [], 1) == 0.0
    abstaining = Ranking("case", "ranker", ranking(a=1).candidates, abstained="nothing is worse than usual")
    assert share_within(abstaining, [], 1) == reciprocal_rank(abstaining, []) == 1.0
