import json
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.errors import BadMinerStateError
from features.logs.masks import MASK
from features.logs.templates import MAX_CACHED_LINES, MAX_SERVICES, TemplateMiner
from features.logs.tree import MAX_CHILDREN, MAX_LEAF, MAX_TEMPLATES, OTHER, TemplateTree
from telemetry.logs import LogRecord, Logs

WORDS = ("open", "read", "close", "user", "failed", "17", "blk_3", "ok", "", "x=1")
LINES = st.lists(st.lists(st.sampled_from(WORDS), min_size=1, max_size=6).map(" ".join), max_size=40)


def ids(miner: TemplateMiner, *lines: str) -> list[str]:
    return [miner.add("order", "INFO", "", line) for line in lines]


def test_lines_that_differ_in_numbers_share_a_template() -> None:
    first, second, other = ids(TemplateMiner(), "order 17 placed", "order 18 placed", "order 18 refused now")
    assert first == second != other


def test_words_that_vary_are_masked_and_the_id_stays_with_an_alias() -> None:
    miner = TemplateMiner()
    first, second = ids(miner, "login of user anna at gate", "login of user bert at gate")
    assert first == second
    tree = miner.trees["order"]
    assert tree.templates[first].text == f"login of user {MASK} at gate"
    alias = tree.templates[first].alias
    assert alias != first
    assert tree.resolve(alias) == tree.resolve(first) == first
    assert tree.resolve("never seen") == OTHER
    ids(miner, "login of user cleo by gate")
    assert tree.resolve(alias) == OTHER  # only the latest alias is valid
    assert tree.templates[first].count == 3


def test_severity_and_logger_separate_templates_and_the_service_does_not_change_the_id() -> None:
    miner = TemplateMiner()
    keys = list(product(("INFO", "ERROR"), ("a.B", "a.C")))
    assert len({miner.add("order", *key, "all done") for key in keys}) == 4
    assert miner.add("stock", "INFO", "a.B", "all done") == miner.add("order", "INFO", "a.B", "all done")


def test_a_collectors_template_is_used_unchanged() -> None:
    miner = TemplateMiner()
    first = miner.add("order", "INFO", "", "order 17 placed", given="order {id} placed")
    again = miner.add("order", "INFO", "", "anything else", given="order {id} placed")
    assert first == again
    assert miner.trees["order"].templates[first].text == "order {id} placed"
    assert miner.add("order", "INFO", "", "order {id} placed") == first  # the same text, the same template


def test_a_template_always_matches_the_line_that_created_it() -> None:
    tree = TemplateTree()
    made = tree.find_or_create("", "", "a b c d e")
    for line in ("a b c d x", "a b c y z"):
        assert tree.find_or_create("", "", line) is made
    assert made.text == f"a b c {MASK} {MASK}"
    assert tree.find_or_create("", "", f"a b {MASK} {MASK} {MASK}") is made
    assert made.text == f"a b {MASK} {MASK} {MASK}"
    assert tree.find_or_create("", "", "a b c d e") is made


def test_two_templates_generalised_to_the_same_text_share_one_alias() -> None:
    tree = TemplateTree()
    first, second = tree.find_or_create("", "", "a b c d e f"), tree.find_or_create("", "", "a b x y z f")
    assert first is not second
    for template, lines in (
        (first, ("a b c d k f", "a b c l k f")),
        (second, ("a b x y m f", "a b x n m f")),
    ):
        for line in lines:
            assert tree.find_or_create("", "", line) is template
    tree._generalise(first, ("a", "b", "x", "l", "k", "f"))
    tree._generalise(second, ("a", "b", "c", "n", "m", "f"))
    assert first.text == second.text
    assert first.alias == second.alias
    assert tree.resolve(second.alias) == first.id
    restored = TemplateTree.from_state(json.loads(json.dumps(tree.state())))
    assert restored.aliases == tree.aliases
    tree._generalise(second, ("q", "b", "c", "n", "m", "f"))
    assert tree.resolve(first.alias) == first.id


def test_a_line_equal_to_a_collectors_template_matches_it() -> None:
    tree = TemplateTree()
    given_first = tree.given("", "", "all is well")
    assert tree.find_or_create("", "", "all is well") is given_first


def test_templates_are_bounded_and_the_least_recently_used_become_other() -> None:
    miner = TemplateMiner()
    in_use = miner.add("noise", "", "", "stays in use")
    rng = np.random.default_rng(1)
    words = ["".join(map(chr, rng.integers(97, 123, size=8))) for _ in range(5000)]
    for line in range(3 * MAX_TEMPLATES):
        miner.add("noise", "", "", " ".join(words[each] for each in rng.integers(5000, size=5 + line % 20)))
        if line % 500 == 0:
            assert miner.add("noise", "", "", "stays in use") == in_use
    tree = miner.trees["noise"]
    assert len(tree.templates) == MAX_TEMPLATES
    assert in_use in tree.templates
    assert tree.n_evicted > MAX_TEMPLATES
    assert tree.n_other_lines + sum(each.count for each in tree.templates.values()) == miner.n_lines
    assert len(miner._seen) <= MAX_CACHED_LINES
    n_nodes, nodes = 0, list(tree._roots.values())
    while nodes:
        node = nodes.pop()
        n_nodes += 1
        assert len(node.children) <= MAX_CHILDREN + 1
        assert node.children or node.templates
        nodes.extend(node.children.values())
    assert n_nodes <= 3 * MAX_TEMPLATES + 100


def test_a_full_leaf_evicts_a_template() -> None:
    tree = TemplateTree()
    for number in range(MAX_LEAF + 5):
        letters = chr(97 + number // 26) + chr(97 + number % 26)
        tree.find_or_create("", "", f"start here {letters}a {letters}b {letters}c {letters}d {letters}e")
    assert len(tree.templates) == MAX_LEAF
    assert tree.n_evicted == 5


def test_collectors_templates_are_bounded_too() -> None:
    miner = TemplateMiner()
    for number in range(MAX_TEMPLATES + 3):
        miner.add("order", "", "", "", given=f"template {number}")
    assert len(miner.trees["order"].templates) == MAX_TEMPLATES


def test_services_are_bounded() -> None:
    miner = TemplateMiner()
    for number in range(MAX_SERVICES + 10):
        miner.add(f"service-{number}", "", "", "hello")
    assert len(miner.trees) == MAX_SERVICES + 1
    assert miner.trees[""].templates


def test_long_lines_are_cut_and_counted() -> None:
    miner = TemplateMiner()
    first, second = ids(miner, "word " * 10**5, "word " * 10**5 + "end")
    assert first == second
    assert miner.n_cut == 2


def test_a_batch_is_mined_as_its_lines_would_be() -> None:
    records = [LogRecord(f"s{i % 2}", "INFO", "", i, f"order {i} placed") for i in range(6)]
    expected = [TemplateMiner().add(r.service, r.severity, r.logger, r.body) for r in records]
    assert list(TemplateMiner().mine(Logs.from_records(records))) == expected


@given(LINES)
def test_mining_twice_gives_the_same_ids(lines: list[str]) -> None:
    assert ids(TemplateMiner(), *lines) == ids(TemplateMiner(), *lines)


@given(LINES)
def test_the_caches_change_no_result(lines: list[str]) -> None:
    cached, uncached = TemplateMiner(), TemplateMiner()
    for line in lines:
        uncached._seen.clear()
        uncached._masks.clear()
        assert cached.add("s", "", "", line) == uncached.add("s", "", "", line)


@given(LINES, LINES)
def test_the_order_of_services_does_not_matter(ours: list[str], theirs: list[str]) -> None:
    together = TemplateMiner()
    for line in theirs:
        together.add("stock", "INFO", "", line)
    assert ids(together, *ours) == ids(TemplateMiner(), *ours)


@given(LINES, LINES)
def test_a_restart_from_saved_state_equals_no_restart(before: list[str], after: list[str]) -> None:
    miner = TemplateMiner()
    ids(miner, *before)
    restarted = TemplateMiner.from_state(json.loads(json.dumps(miner.state())))
    assert ids(restarted, *after) == ids(miner, *after)
    assert restarted.state() == miner.state()


@given(st.lists(st.tuples(st.text(max_size=20), st.text(max_size=20), st.text(max_size=80)), max_size=20))
def test_hostile_text_neither_fails_nor_is_lost(rows: list[tuple[str, str, str]]) -> None:
    miner = TemplateMiner()
    for service, logger, body in rows:
        miner.add(service, "INFO", logger, body)
    assert miner.n_lines == len(rows)
    assert sum(each.count for tree in miner.trees.values() for each in tree.templates.values()) == len(rows)
    assert TemplateMiner.from_state(json.loads(json.dumps(miner.state()))).state() == miner.state()


def test_bytes_that_are_not_text_can_be_mined_once_decoded() -> None:
    miner = TemplateMiner()
    garbage = bytes(range(256)).decode("utf-8", "surrogateescape")
    assert miner.add(garbage, "", garbage, garbage) == miner.add(garbage, "", garbage, garbage)


@pytest.mark.parametrize(
    "state",
    [
        {},
        {"version": 2},
        {"version": 1, "n_lines": 0},
        {"version": 1, "n_lines": 0, "n_cut": 0, "trees": {"a": {"templates": [{}]}}},
        {"version": 1, "n_lines": 0, "n_cut": 0, "trees": 7},
    ],
)
def test_a_damaged_state_is_rejected(state: dict[str, object]) -> None:
    with pytest.raises(BadMinerStateError, match="state"):
        TemplateMiner.from_state(state)
