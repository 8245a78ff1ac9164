"""Changes to a value found out, and conditions: what is drawn, what it compiles to, and what it is worth."""

from __future__ import annotations

from typing import Any

import pytest

from tests.generators.building import built, made, named, parts_of, world_of
from tests.invariants import CHECKS
from tool_gym.generators.build import DEPTHS
from tool_gym.generators.candidate import Candidate
from tool_gym.generators.conditions import MIN_SHARE, share_that_holds
from tool_gym.generators.decompose import RejectedError, compile_goal
from tool_gym.generators.disturb import Read, changed, changes
from tool_gym.generators.domain import domain_names, load_domain
from tool_gym.generators.expressions import (
    Attr,
    Condition,
    Create,
    Evaluator,
    Follow,
    If,
    Said,
    UndefinedError,
    Update,
    Val,
    walk,
)
from tool_gym.generators.sampling import Sampler
from tool_gym.generators.seeding import stream
from tool_gym.generators.wording import realise
from tool_gym.scenario import StateGoal
from tool_gym.world import World, WorldView

DOMAINS = ("energy", "library", "clinic", "travel", "museum")
SHAPES = ("read_then_write", "conditional")
FLAWS = ("{", "}", "<", ">", "  ", "None", "..", ",,", " ,", " .")
"""What no text has in it."""

WORLD = world_of("library")


def drawn(domain: str, shape: str, depth: int, count: int) -> list[Any]:
    """Goals of a shape, gates aside."""
    sampler = Sampler(load_domain(domain), world_of(domain), stream("acts", domain, shape, depth))
    found: list[Any] = []
    for _ in range(40 * count):
        try:
            found.append(sampler.goal(shape, depth)[0])
        except RejectedError:
            continue
        if len(found) == count:
            return found
    msg = f"only {len(found)} of {shape} in {domain}"
    raise AssertionError(msg)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("domain", DOMAINS)
def test_the_reward_keeps_its_promises(domain: str, shape: str) -> None:
    for depth in DEPTHS[shape]:
        candidate = made(domain, shape, depth)
        assert candidate.scenario.depth == depth
        for check in CHECKS:
            check(candidate.scenario, candidate.world)


@pytest.mark.parametrize("domain", domain_names())
def test_both_shapes_can_be_made_in_every_domain(domain: str) -> None:
    for shape in SHAPES:
        assert built(domain, shape).scenario.shape == shape


class TestValuesFoundOut:
    @pytest.mark.parametrize("depth", DEPTHS["read_then_write"])
    @pytest.mark.parametrize("domain", DOMAINS)
    def test_a_value_is_one_that_its_column_can_hold_and_does_not(self, domain: str, depth: int) -> None:
        world = world_of(domain)
        evaluate = Evaluator(WorldView(world.base))
        for act in drawn(domain, "read_then_write", depth, 12):
            pairs = [(act.column, act.value)] if isinstance(act, Update) else act.values
            entity = act.target.entity if isinstance(act, Update) else act.entity
            ((name, value),) = [(name, value) for name, value in pairs if isinstance(value, Val)]
            column, new = world.tables[entity].columns[name], evaluate.value(value)
            assert column.holds(int(new) if column.type == "integer" and new == int(new) else new)
            assert column.low <= new <= column.high
            if isinstance(act, Update):
                assert evaluate.row(act.target)[name] != new

    def test_what_is_written_is_what_was_found(self) -> None:
        for domain in DOMAINS:
            candidate = made(domain, "read_then_write", 3)
            play = candidate.play()
            *calls, end = candidate.plan_turns()
            effects = [effect for step in play.steps(calls) for result in step.results for effect in result.effects]
            goal = candidate.scenario.goals[0]
            assert isinstance(goal, StateGoal)
            acts = parts_of(candidate, Update, Create)
            values = [acts[0].value] if isinstance(acts[0], Update) else [v for _, v in acts[0].values]
            found = [candidate.evaluator().value(value) for value in values if isinstance(value, Val)]
            assert found[0] in [effect.after for effect in effects]
            play.step(end)
            assert play.score == pytest.approx(1)


class TestConditions:
    @pytest.mark.parametrize("depth", DEPTHS["conditional"])
    @pytest.mark.parametrize("domain", DOMAINS)
    def test_either_outcome_is_common(self, domain: str, depth: int) -> None:
        tables, outcomes = world_of(domain).tables, set()
        evaluate = Evaluator(WorldView(world_of(domain).base))
        for rule in drawn(domain, "conditional", depth, 25):
            outcomes.add(evaluate.holds(rule.test))
            if isinstance(rule.test.first, Attr) and isinstance(rule.test.second, Said):
                rows = list(tables[rule.test.first.source.entity].rows.values())
                assert MIN_SHARE <= share_that_holds(rule.test, rows) <= 1 - MIN_SHARE
        assert outcomes == {True, False}

    def test_another_world_leads_to_the_other_branch(self) -> None:
        for domain in DOMAINS:
            for depth in (2, 3):
                candidate = made(domain, "conditional", depth)
                other, contrary = _turned(candidate), candidate.draft.contrary
                assert contrary is not None
                assert candidate.interface is not None
                again = candidate.interface.integrate(compile_goal(candidate.draft.goal, other)).draft
                assert [call.concept for call in again.calls] == [call.concept for call in contrary.calls]

    def test_only_what_one_branch_needs_waits_for_the_condition(self) -> None:
        book, other = named(WORLD, "book"), named(WORLD, "book", 1)
        test = Condition("more", Attr(other, "page_count"), Said(5))
        elsewhere = Attr(Follow("branch", "branch_id", book), "floor_area")
        rule = If(test, Update(book, "replacement_cost", 20.5), elsewhere)
        draft = compile_goal((rule,), WORLD)
        families = {call.concept[0]: call for call in draft.calls}
        assert [call.decided_by for call in draft.calls if call.concept[0] == "find"] == [(), ()]
        assert families["update"].decided_by == (1,)
        assert draft.contrary is not None
        waiting = [call.concept for call in draft.contrary.calls if call.decided_by]
        assert waiting == [("get", "book", "branch_id"), ("get", "branch", "floor_area")]

    def test_a_condition_without_a_value_is_rejected(self) -> None:
        book = named(WORLD, "book")
        test = Condition("more", Attr(Follow("author", "author_id", book), "reading_fee"), Said(5))
        rule = If(test, Update(book, "replacement_cost", 20.5), Attr(book, "page_count"))
        rows = {row: {**cells, "author_id": "nobody"} for row, cells in WORLD.tables["book"].rows.items()}
        tables = {**WORLD.tables, "book": WORLD.tables["book"].model_copy(update={"rows": rows})}
        with pytest.raises(RejectedError):
            compile_goal((rule,), WORLD.model_copy(update={"tables": tables}))


def _turned(candidate: Candidate) -> World:
    """A world close to the candidate's in which its condition comes out the other way."""
    rule: Any = candidate.draft.goal[0]
    before = candidate.evaluator().holds(rule.test)
    for part in (part for part in walk(rule.test) if isinstance(part, Read)):
        for possible in changes(candidate.world, part).values():
            for change in possible:
                try:
                    if Evaluator(changed(candidate.world, change)).holds(rule.test) == before:
                        continue
                except UndefinedError:
                    continue
                tables = dict(candidate.world.tables)
                for cell in change:
                    rows = dict(tables[cell.table].rows)
                    rows[cell.row] = {**rows[cell.row], cell.column: cell.after}
                    tables[cell.table] = tables[cell.table].model_copy(update={"rows": rows})
                return World(domain=candidate.world.domain, tables=tables)
    msg = "nothing turns the condition round"
    raise AssertionError(msg)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("domain", domain_names())
def test_every_goal_can_be_worded(domain: str, shape: str) -> None:
    world, texts = world_of(domain), set()
    for depth in DEPTHS[shape]:
        for number, goal in enumerate(drawn(domain, shape, depth, 6)):
            text = realise((goal,), load_domain(domain), world, stream("acts", domain, depth, number))
            assert not [flaw for flaw in FLAWS if flaw in text]
            assert text[0].isupper()
            texts.add(text)
    assert len(texts) > 0.9 * 6 * len(DEPTHS[shape])


def test_integrated_tools_serve_both_branches() -> None:
    for domain in DOMAINS:
        candidate = made(domain, "conditional", 2)
        assert candidate.draft.contrary is not None
        called = {call.name for call in candidate.draft.contrary.turns}
        assert called <= candidate.scenario.tool_by_name.keys()
