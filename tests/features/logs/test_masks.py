import time

from hypothesis import given
from hypothesis import strategies as st

from features.logs.masks import MASK, MAX_CACHED_TOKENS, MAX_CHARACTERS, MAX_TOKENS, TokenMasks, mask_token


def test_numbers_ids_and_addresses_are_masked_and_words_are_not() -> None:
    line = "PacketResponder 1 for block blk_38865049064139660 from /10.0.0.1:50010 terminating"
    assert TokenMasks().line(line) == f"PacketResponder {MASK} for block {MASK} from /{MASK} terminating"


def test_text_in_other_scripts_next_to_a_number_stays() -> None:
    assert mask_token("用户123登录失败") == f"用户{MASK}登录失败"


def test_a_list_of_ids_looks_the_same_however_long() -> None:
    masks = TokenMasks()
    assert masks.line("delete blk_1 blk_2 blk_3 now") == masks.line("delete blk_9 now")


def test_a_line_is_cut_after_a_number_of_words_and_characters() -> None:
    assert len(TokenMasks().line("word " * 1000).split()) == MAX_TOKENS
    assert len(TokenMasks().line("x" * 10**6)) == MAX_CHARACTERS


def test_the_cache_stays_within_its_bound_and_changes_no_result() -> None:
    masks = TokenMasks()
    for number in range(MAX_CACHED_TOKENS + 10):
        assert masks[f"w{number}"] == MASK
    assert len(masks) <= MAX_CACHED_TOKENS
    long = "a" * 100
    assert masks[long] == long
    assert long not in masks


@given(st.text(max_size=300))
def test_masking_neither_fails_nor_depends_on_what_was_seen_before(line: str) -> None:
    masks = TokenMasks()
    masks.line("order 17 of 18")
    assert masks.line(line) == TokenMasks().line(line)


def test_a_hostile_word_takes_no_more_than_linear_time() -> None:
    began = time.process_time()
    for word in ("a" * 4000 + "!1", "<*>" * 1300, "<*>," * 1000, "1." * 2000, "." * 4000 + "1"):
        mask_token(word)
    assert time.process_time() - began < 0.5
