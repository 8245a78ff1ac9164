"""Preference pairs: the turn in which a success and a failure part, after the very same conversation."""

from __future__ import annotations

from tests.agents.interop.made import episodes
from tests.handmade import SCENARIOS, oracle_turns, play
from tool_gym.agents.interop import Episode
from tool_gym.agents.interop.messages import episode_messages
from tool_gym.agents.interop.pairs import pair_rows, shared_turns
from tool_gym.turns import BrokenCall, ToolCall, Turn

SCENARIO = SCENARIOS["multi_hop"]
GOLD = oracle_turns(SCENARIO)
JUNK = Turn(calls=(ToolCall("nothing", {}),))
GIVE_UP = Turn("Decline: no")


def played(*turns: Turn) -> Episode:
    return Episode(play(SCENARIO, turns), SCENARIO)


def test_a_pair_is_where_they_part() -> None:
    good, bad = played(*GOLD), played(GOLD[0], JUNK, GIVE_UP)
    (row,) = pair_rows([bad, good])
    whole = episode_messages(SCENARIO, good.trajectory.steps)
    at = len(row["prompt"])
    assert row["turn"] == 1
    assert [*row["prompt"], *row["chosen"]] == whole[: at + 1]
    assert row["rejected"][0]["tool_calls"][0]["function"]["name"] == "nothing"
    assert row["chosen_return"] > row["rejected_return"]


def test_the_success_that_went_the_same_way_for_longest_is_taken() -> None:
    detour = played(JUNK, *GOLD)
    bad = played(JUNK, GOLD[0], GIVE_UP)
    (row,) = pair_rows([played(*GOLD), detour, bad])
    assert row["turn"] == 2
    assert row["chosen_return"] == detour.trajectory.episode_return


def test_what_teaches_nothing_gives_no_pair() -> None:
    good = played(*GOLD)
    broken = played(Turn(calls=(BrokenCall("bad_json", "not JSON", "{"),)), *GOLD)
    assert list(pair_rows([good, good])) == [], "no failure"
    assert list(pair_rows([played(GIVE_UP)])) == [], "no success"
    assert list(pair_rows([good, played(*GOLD[:-1])])) == [], "only stopped earlier"
    assert list(pair_rows([broken, played(GIVE_UP)])) == [], "the success begins with a broken call"


def test_equal_pairs_come_once() -> None:
    rows = list(pair_rows([played(*GOLD), played(GIVE_UP), played(GIVE_UP)]))
    assert len(rows) == 1


def test_pairs_of_real_play_hold_no_word_of_the_environment() -> None:
    rows = list(pair_rows(episodes(24)))
    assert len(rows) > 10
    for row in rows:
        for side in ("chosen", "rejected"):
            assert [message["role"] for message in row[side]] == ["assistant"]
        assert row["chosen"] != row["rejected"]
        assert row["prompt"][-1]["role"] != "assistant"


def test_shared_turns_are_counted_from_the_start() -> None:
    gold = played(*GOLD).trajectory
    assert shared_turns(gold, gold) == len(GOLD)
    assert shared_turns(gold, played(JUNK, *GOLD).trajectory) == 0
    assert shared_turns(gold, played(*GOLD[:1], GIVE_UP).trajectory) == 1
