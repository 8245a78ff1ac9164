"""Mutations of questions back to the user: not due, for something else, answered by nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.generators.building import altered, with_cells
from tests.generators.mutation import Mutations
from tool_gym.generators.candidate import Candidate
from tool_gym.generators.dialogue_asks import ASK, askers
from tool_gym.generators.dialogue_gap import Gap
from tool_gym.generators.expressions import ById, ByName, Cancel, Transition, Update
from tool_gym.generators.gates import g03_differential, g06_leak, g11_unsolvable
from tool_gym.scenario import AnswerGoal, AskGoal, SubGoal
from tool_gym.values import display

mutations = Mutations()


@mutations.of(g11_unsolvable)
def value_that_the_request_says(candidate: Candidate) -> Candidate | None:
    gap = candidate.draft.gap
    return with_line(candidate, 0, f"By the way: {gap.shown(candidate.world)}.") if gap is not None else None


@mutations.of(g11_unsolvable, least=1)
def row_that_the_request_names_by_its_id(candidate: Candidate) -> Candidate | None:
    gap = candidate.draft.gap
    named = gap is not None and isinstance(gap.part, ByName)
    return with_line(candidate, 0, f"That is {gap.value}.") if gap is not None and named else None


@mutations.of(g11_unsolvable)
def question_for_another_slot(candidate: Candidate) -> Candidate | None:
    return with_ask(candidate, slot="colour")


@mutations.of(g11_unsolvable)
def keywords_for_another_slot(candidate: Candidate) -> Candidate | None:
    return with_ask(candidate, keywords=("colour", "color"))


@mutations.of(g11_unsolvable)
def reply_that_settles_nothing(candidate: Candidate) -> Candidate | None:
    return with_ask(candidate, reply="As you like.")


@mutations.of(g11_unsolvable)
def call_that_does_not_wait_for_the_reply(candidate: Candidate) -> Candidate | None:
    if candidate.draft.gap is None:
        return None
    return altered(candidate, sub_goals=tuple(map(at_once, candidate.scenario.sub_goals)))


@mutations.of(g11_unsolvable, least=1)
def lucky_guess_that_need_not_wait(candidate: Candidate) -> Candidate | None:
    """Only the call that takes the reply waits for it: what it leads to could be had by a guess of its argument."""
    gap = candidate.draft.gap
    direct = askers(candidate.draft, gap) if gap is not None else set()
    later = [s for s in candidate.scenario.sub_goals if s.id not in direct and any(p.id == ASK for p in s.parents)]
    if not later:
        return None
    return altered(candidate, sub_goals=tuple(at_once(s) if s in later else s for s in candidate.scenario.sub_goals))


@mutations.of(g11_unsolvable, least=1)
def only_one_row_it_could_be(candidate: Candidate) -> Candidate | None:
    """All rows but the one that is meant are closed: trying, or looking, tells which it is."""
    gap, act = candidate.draft.gap, candidate.draft.goal[0]
    if gap is None or not isinstance(act, Transition | Cancel) or not isinstance(gap.part, ByName | ById):
        return None
    column = candidate.world.tables[act.target.entity].columns[act.column]
    closed = next(state for state in column.values if not column.transitions.get(state))
    cells = {
        (act.target.entity, row, act.column): closed
        for row in candidate.world.tables[act.target.entity].rows
        if row != gap.part.row
    }
    return altered(candidate, with_cells(candidate.world, cells))


@mutations.of(g11_unsolvable)
def value_that_a_document_gives(candidate: Candidate) -> Candidate | None:
    """A default, which would do."""
    gap = candidate.draft.gap
    if gap is None or not isinstance(gap.part, Update):
        return None
    (name,) = askers(candidate.draft, gap)
    wanted = candidate.scenario.sub_goal_by_id[name].tool
    tools = []
    for tool in candidate.scenario.tools:
        properties = tool.parameters["properties"]
        if tool.name == wanted:
            properties = {key: {**schema, "default": gap.value} for key, schema in properties.items()}
        tools.append(tool.model_copy(update={"parameters": {**tool.parameters, "properties": properties}}))
    return altered(candidate, tools=tuple(tools))


@mutations.of(g11_unsolvable)
def question_without_a_gap(candidate: Candidate) -> Candidate | None:
    """Nothing is missing: the draft says so."""
    if candidate.draft.gap is None:
        return None
    mutant = altered(candidate)
    mutant.draft = replace(candidate.draft, gap=None)
    return mutant


@mutations.of(g11_unsolvable)
def gap_of_another_part(candidate: Candidate) -> Candidate | None:
    """The question is for one thing, and another one is missing."""
    row = next(iter(candidate.world.tables[next(iter(candidate.world.tables))].rows))
    if candidate.draft.gap is None:
        return None
    mutant = altered(candidate)
    mutant.draft = replace(candidate.draft, gap=Gap(ById(next(iter(candidate.world.tables)), row)))
    return mutant


@mutations.of(g03_differential)
def reply_that_means_something_else(candidate: Candidate) -> Candidate | None:
    """The tables, asked with what the user replies, expect something else than the goal."""
    gap = candidate.draft.gap
    if gap is None:
        return None
    for _, goal in gap.completions(candidate.draft.goal, candidate.world):
        mutant = altered(candidate)
        mutant.draft = replace(candidate.draft, goal=goal)
        if isinstance(goal[0], Update):
            return mutant
    return None


@mutations.of(g06_leak, least=2)
def answer_in_the_reply(candidate: Candidate) -> Candidate | None:
    ask, answer = candidate.scenario.goals[0], candidate.scenario.goals[-1]
    if not isinstance(ask, AskGoal) or not isinstance(answer, AnswerGoal):
        return None
    return with_ask(candidate, reply=f"{ask.reply} It is {display(answer.gold)}, I think.")


def with_line(candidate: Candidate, number: int, text: str) -> Candidate:
    """The candidate with something added to one of its lines."""
    lines = list(candidate.scenario.user_turns)
    lines[number] = f"{lines[number]} {text}"
    return altered(candidate, user_turns=tuple(lines))


def at_once(sub_goal: SubGoal) -> SubGoal:
    """The sub-goal without waiting for a reply."""
    return sub_goal.model_copy(update={"parents": tuple(p for p in sub_goal.parents if p.id != ASK)})


def with_ask(candidate: Candidate, **changes: Any) -> Candidate | None:
    """The candidate with fields of its question changed; None if it has none."""
    first = candidate.scenario.goals[0]
    if not isinstance(first, AskGoal):
        return None
    return altered(candidate, goals=(first.model_copy(update=changes), *candidate.scenario.goals[1:]))
