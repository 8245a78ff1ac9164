"""Pools: names are told apart, and those of one split never occur in another."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tool_gym.generators.domain import domain_names, load_domain
from tool_gym.generators.pools import Pool, Split, all_pools, shared_pools, split_of
from tool_gym.generators.seeding import stream
from tool_gym.generators.worlds import draw, sample_world

SPLITS: tuple[Split, ...] = ("train", "validation", "test")
WORDS = st.lists(st.text("abcdefghij", min_size=1, max_size=4), min_size=1, max_size=6, unique=True)
POOLS = st.builds(
    lambda parts, join: Pool(parts=tuple(map(tuple, parts)), join=join),
    st.lists(WORDS, min_size=1, max_size=3),
    st.sampled_from(("", " ", "-")),
)


@given(POOLS)
def test_every_number_is_one_name(pool: Pool) -> None:
    assert sorted(pool.name(number) for number in range(pool.size)) == sorted(pool.names())


@given(POOLS)
def test_the_portions_of_a_pool_make_up_the_whole(pool: Pool) -> None:
    portions = [pool.portion(split) for split in SPLITS]
    assert sum(portion.size for portion in portions) == pool.size
    assert sorted(itertools.chain(*(portion.names() for portion in portions))) == sorted(pool.names())


def test_a_pool_with_two_names_alike_says_so() -> None:
    pool = Pool(parts=(("Ab", "A"), ("c", "bc")), join="")
    assert ["'Abc' comes out twice" in problem for problem in pool.problems()] == [True]


@pytest.mark.parametrize("word", ["Unit 7", "salt, pepper", "Salt and Pepper", "{x}", " Ab", "A  b", "", 'The "Boat"'])
def test_words_that_would_not_be_read_as_a_name_are_named(word: str) -> None:
    (problem,) = Pool(parts=(("Fine", word),)).problems()
    assert repr(word) in problem


@pytest.mark.parametrize("name", sorted(all_pools()))
def test_shared_pools_are_sound_and_large_enough_in_every_split(name: str) -> None:
    assert not list(all_pools()[name].problems())
    for split in SPLITS:
        assert shared_pools(split)[name].size >= 60


def test_which_split_a_word_belongs_to_never_changes() -> None:
    """Packs are pinned by seed: a word that moved would change them."""
    assert [split_of(word) for word in ("Aaliya", "Amber", "Rusty", "Zoë")] == ["train", "train", "test", "train"]


def test_no_name_of_one_split_is_possible_in_another() -> None:
    """Train, validation and test share no row name: whatever is drawn, none of them can be learnt by heart."""
    named: dict[str, dict[tuple[int, str], Pool]] = {split: {} for split in SPLITS}
    for domain in map(load_domain, domain_names()):
        for entity in domain.entities.values():
            pool = domain.pool(entity.label.pool or "")
            if pool is not None:
                named[domain.split][id(pool), entity.label.suffix] = pool  # a shared pool is listed once
    possible = {
        split: {f"{name}{suffix}".casefold() for (_, suffix), pool in pools.items() for name in pool.names()}
        for split, pools in named.items()
    }
    for one, other in itertools.combinations(SPLITS, 2):
        assert sorted(possible[one] & possible[other])[:9] == []


@pytest.mark.parametrize("split", SPLITS)
def test_worlds_draw_from_their_splits_part_alone(split: Split) -> None:
    (name, *_) = domain_names(split)
    domain = load_domain(name)
    world = sample_world(domain, stream("disjoint", name))
    for key, entity in domain.entities.items():
        if entity.label.pool in all_pools() and entity.label.pool not in domain.pools:
            firsts = set(shared_pools(split)[entity.label.pool].parts[0])
            assert all(any(row["name"].startswith(w) for w in firsts) for row in world.tables[key].rows.values())


def test_drawn_values_of_a_pool_are_all_different() -> None:
    for name, pool in shared_pools("train").items():
        assert len(set(draw(pool, 200, stream(name)))) == 200
