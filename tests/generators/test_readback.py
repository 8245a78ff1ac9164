"""Requests read back: what their words can mean, from the frames, the domain's words and the world's names alone."""

from collections import Counter
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from tool_gym.envs.pack import FolderPack
from tool_gym.errors import GenerationError
from tool_gym.generators import readback
from tool_gym.generators.build import DEPTHS, SeedPath, Wish, build
from tool_gym.generators.candidate import Candidate
from tool_gym.generators.decompose import RejectedError
from tool_gym.generators.dialogue_build import draft_of, lines_of
from tool_gym.generators.domain import domain_names, load_domain
from tool_gym.generators.expressions import Attr, ByName, Calc, Convert, Higher, Top, Update
from tool_gym.generators.pipeline import build_pack
from tool_gym.generators.plan import PackPlan
from tool_gym.generators.reading_report import reading_report
from tool_gym.generators.sampling import Sampler
from tool_gym.generators.seeding import stream
from tool_gym.generators.wording import Goal, entities, realise
from tool_gym.generators.wording.parse import readings, turn_readings
from tool_gym.generators.wording.parse_chart import compiled
from tool_gym.generators.wording.parse_check import Verdict, check_reading, normal
from tool_gym.generators.wording.parse_gaps import as_missing, left_open
from tool_gym.generators.wording.text import frames
from tool_gym.generators.worlds import sample_world
from tool_gym.world import World

SHAPES = (*(shape for shape in DEPTHS if shape not in ("decline", "multi_turn")), "missing")
UNREAD_MOST = 0.02
"""Largest share of a shape's requests that the reader may make nothing of."""


@cache
def world_of(name: str) -> World:
    return sample_world(load_domain(name), stream("readback", name))


def verdict_of(shape: str, name: str, number: int) -> tuple[Verdict, str] | None:
    domain, world = load_domain(name), world_of(name)
    depths = DEPTHS.get(shape, (1, 2))
    for attempt in range(40):
        rng = stream("readback", shape, name, number, attempt)
        try:
            draft = draft_of(shape, depths[number % len(depths)], Sampler(domain, world, rng))
        except RejectedError:
            continue
        texts = lines_of(draft, domain, world, rng)
        goal, seen = draft.goal, world
        if draft.gap is not None:
            goal = (left_open(goal[0], draft.gap),)
        if draft.missing is not None:
            goal, seen = (as_missing(draft.missing.wanted, draft.missing.row),), draft.missing.shadow
        return check_reading(goal, texts, domain, seen), "\n".join(texts)
    return None


@cache
def joins() -> tuple[Goal, ...]:
    """Return goals whose words need two figures or two rows."""
    domain, world, found = load_domain("energy"), world_of("energy"), []
    for number in range(120):
        try:
            found.append(Sampler(domain, world, stream("joins", number)).goal("parallel_multi_hop", 3 + number % 2))
        except RejectedError:
            continue
    return tuple(found)


@cache
def candidate(shape: str, depth: int, domain: str) -> Candidate:
    for attempt in range(200):
        try:
            return build(SeedPath(3, "train", domain, 0, 0, attempt), Wish(shape, depth, 0))
        except RejectedError:
            continue
    raise AssertionError(shape)


@pytest.mark.parametrize("shape", SHAPES)
def test_requests_of_every_domain_mean_one_thing(shape: str) -> None:
    found: Counter[str] = Counter()
    for number, name in enumerate(domain_names()):
        drawn = verdict_of(shape, name, number)
        if drawn is not None:
            verdict, text = drawn
            assert verdict.kind != "different", f"{text}\nalso: {verdict.other}"
            found[verdict.kind] += 1
    assert found.total() > len(domain_names()) / 2
    assert found["unread"] <= UNREAD_MOST * found.total() + 1


@pytest.mark.slow
def test_a_pack_is_read_back(tmp_path: Path) -> None:
    plan = PackPlan(name="read", sizes={"train": 320, "test": 160}, seed=11)
    build_pack(plan, tmp_path / "read")
    report = reading_report(FolderPack(tmp_path / "read"))
    assert sum(counts.get("different", 0) for counts in report.values()) == 0
    assert sum(sum(counts.values()) for counts in report.values()) == 480
    assert sum(counts.get("unread", 0) for counts in report.values()) <= UNREAD_MOST * 480
    assert sum(sum(counts.values()) for counts in reading_report(FolderPack(tmp_path / "read"), most=7).values()) == 7


def test_dialogues_are_read_back_turn_by_turn() -> None:
    assert all(
        readback.check(candidate("multi_turn", depth, "hotels")).kind == "same" for depth in DEPTHS["multi_turn"]
    )


def test_the_reader_is_not_told_the_goal() -> None:
    domain, world = load_domain("energy"), world_of("energy")
    first, second = list(world.tables["plant"].rows)[:2]
    name = world.tables["plant"].rows[first]["name"]
    (goal,) = readings(f"What is the build cost of {name}?", domain, world)
    assert normal(goal) == normal((Attr(ByName("plant", first), "build_cost"),))
    wrong = (Attr(ByName("plant", second), "build_cost"),)
    assert check_reading(wrong, [f"What is the build cost of {name}?"], domain, world).kind == "different"


def test_a_unit_that_may_go_with_one_side_or_with_both_is_two_meanings() -> None:
    domain, world = load_domain("energy"), world_of("energy")
    first, second = (ByName("plant", row) for row in list(world.tables["plant"].rows)[:2])
    names = [world.tables["plant"].rows[ent.row]["name"] for ent in (first, second)]
    text = f"What is the capacity of {names[0]} minus the capacity of {names[1]} in kilowatts?"
    whole = Convert(Calc("subtract", Attr(first, "capacity"), Attr(second, "capacity")), "MW", "kW")
    side = Calc("subtract", Attr(first, "capacity"), Convert(Attr(second, "capacity"), "MW", "kW"))
    assert {normal(goal) for goal in readings(text, domain, world)} == {normal((whole,)), normal((side,))}
    verdict = check_reading((whole,), [text], domain, world)
    assert verdict.kind == "different"
    assert "in kW)" in verdict.other


def test_that_row_is_unclear_after_two_of_its_kind() -> None:
    domain, world = load_domain("energy"), world_of("energy")
    names = [row["name"] for row in list(world.tables["plant"].rows.values())[:2]]
    texts = [f"Which of the power plants {names[0]} and {names[1]} has the larger capacity?"]
    (pair,) = turn_readings(texts, domain, world)
    found = turn_readings([*texts, "And what is the build cost of that power plant?"], domain, world)
    assert len(found) > 1
    assert len({normal(goal)[1] for goal in found}) == len(found)
    assert len(pair) == 1


def test_words_that_lead_nowhere_are_unread() -> None:
    domain, world = load_domain("energy"), world_of("energy")
    row = next(iter(world.tables["plant"].rows.values()))
    for text in ("What is the shoe size of it?", f"Sing about {row['name']}.", "And the other one?", ""):
        assert readings(text, domain, world) == ()
    assert check_reading((Attr(ByName("plant", row["id"]), "capacity"),), ["Hm?"], domain, world).kind == "unread"


def test_the_order_of_a_subtraction_is_read() -> None:
    domain, world = load_domain("energy"), world_of("energy")
    rows = list(world.tables["plant"].rows)[:2]
    first, second = (Attr(ByName("plant", row), "capacity") for row in rows)
    names = [world.tables["plant"].rows[row]["name"] for row in rows]
    text = f"Subtract the capacity of {names[1]} from the capacity of {names[0]}."
    assert check_reading((Calc("subtract", first, second),), [text], domain, world).kind == "same"
    assert check_reading((Calc("subtract", second, first),), [text], domain, world).kind == "different"
    assert (
        check_reading((Calc("add", first, second),), [text.replace("Subtract", "Add")], domain, world).kind == "unread"
    )


def test_another_extreme_value_or_row_is_another_meaning() -> None:
    domain, world = load_domain("energy"), world_of("energy")
    text = "Set the build cost of the power plant with the largest capacity to 5000000 USD."
    goal = Update(Top("plant", "capacity", descending=True), "build_cost", 5000000)
    assert check_reading((goal,), [text], domain, world).kind == "same"
    for other in (replace(goal, value=5000001), replace(goal, target=Top("plant", "capacity", descending=False))):
        assert check_reading((other,), [text], domain, world).kind == "different"


def test_a_realiser_that_swaps_the_sides_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    goals = [goal for goal in joins() if isinstance(goal[0], Calc) and goal[0].operation == "subtract"]
    compiled("subtract")  # the reader keeps the frames as they are
    swapped = [text.translate(str.maketrans("ab", "ba")) for text in ("{a} minus {b}?", "subtract {b} from {a}.")]
    monkeypatch.setitem(frames(), "subtract", swapped)
    domain, world = load_domain("energy"), world_of("energy")
    texts = [realise(goal, domain, world, stream("swapped", n)) for n, goal in enumerate(goals)]
    kinds = Counter(check_reading(goal, [text], domain, world).kind for goal, text in zip(goals, texts, strict=True))
    assert kinds["different"] > 0
    assert kinds["same"] == 0


def test_a_realiser_that_gives_two_rows_one_letter_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    goals = [goal for goal in joins() if isinstance(goal[0], Attr) and isinstance(goal[0].source, Higher)]
    domain, world = load_domain("energy"), world_of("energy")

    def kinds() -> Counter[str]:
        texts = [realise(goal, domain, world, stream("letters", n)) for n, goal in enumerate(goals)]
        return Counter(check_reading(goal, [text], domain, world).kind for goal, text in zip(goals, texts, strict=True))

    assert kinds() == {"same": len(goals)}
    monkeypatch.setattr(entities, "_LETTERS", "A")
    assert kinds()["different"] > 0


def test_an_ambiguous_request_ends_the_run_and_says_both_meanings() -> None:
    found = candidate("multi_hop", 2, "energy")
    other = candidate("multi_hop", 3, "energy")
    broken = Candidate(found.scenario, found.world, found.domain, other.draft)
    with pytest.raises(GenerationError, match=r"can mean two things:\n(.|\n)*meant: (.|\n)*also: "):
        readback.check(broken)
