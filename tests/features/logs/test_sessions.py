import numpy as np

from features.logs.sessions import MAX_KINDS, Vocabulary


def test_events_are_counted_and_unknown_kinds_share_a_column() -> None:
    vocabulary = Vocabulary.of([["a", "b", "a"], ["b"], []])
    assert vocabulary.kinds == ("b", "a")
    np.testing.assert_array_equal(vocabulary.counts([["a", "a", "z", "y"], []]), [[0, 2, 2], [0, 0, 0]])


def test_the_vocabulary_does_not_depend_on_the_order_of_sessions() -> None:
    sessions = [["a", "b"], ["c"], ["b"]]
    assert Vocabulary.of(sessions) == Vocabulary.of(sessions[::-1])


def test_the_vocabulary_is_bounded() -> None:
    assert len(Vocabulary.of([[str(number) for number in range(MAX_KINDS + 9)]]).kinds) == MAX_KINDS
