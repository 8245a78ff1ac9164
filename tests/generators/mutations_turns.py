"""Mutations of several user turns: turns that need no others, or could mean several things, or whose answers leak."""

from __future__ import annotations

from dataclasses import replace

from tests.generators.building import altered, with_cells, with_sub_goal
from tests.generators.mutation import Mutations
from tests.generators.mutations_asks import with_line
from tool_gym.generators.candidate import Candidate
from tool_gym.generators.dialogue_links import Link
from tool_gym.generators.expressions import Agg, Attr, ById, ByName, Higher, Update, walk
from tool_gym.generators.gates import (
    g02_oracle,
    g03_differential,
    g04_unique,
    g06_leak,
    g07_needed,
    g09_writes,
    g15_turns,
)
from tool_gym.scenario import AnswerGoal, Parent, StateGoal
from tool_gym.values import display

mutations = Mutations()


@mutations.of(g15_turns)
def turn_that_names_its_row(candidate: Candidate) -> Candidate | None:
    """Said in full, a turn could be met without those before."""
    for number, link in enumerate(candidate.draft.links):
        if link.kind == "row" and link.row is not None:
            row = candidate.evaluator().row(link.row)
            return with_line(candidate, number, f"I mean {row['name']}.")
    return None


@mutations.of(g15_turns)
def turn_that_gives_the_id(candidate: Candidate) -> Candidate | None:
    for number, link in enumerate(candidate.draft.links):
        if link.kind == "row" and link.row is not None:
            return with_line(candidate, number, f"I mean {candidate.evaluator().row(link.row)['id']}.")
    return None


@mutations.of(g15_turns)
def row_that_is_one_of_two(candidate: Candidate) -> Candidate | None:
    """Another row of the kind is spoken of before."""
    for number, link in enumerate(candidate.draft.links):
        if link.row is not None:
            found = candidate.evaluator().row(link.row)["id"]
            other = next(row for row in candidate.world.tables[link.row.entity].rows if row != found)
            goal = list(candidate.draft.goal)
            goal[number - 1] = Agg("x", "count", None, "y", ById(link.row.entity, other))
            mutant = altered(candidate)
            mutant.draft = replace(candidate.draft, goal=tuple(goal))
            return mutant
    return None


@mutations.of(g15_turns)
def row_that_nobody_spoke_of(candidate: Candidate) -> Candidate | None:
    for number, link in enumerate(candidate.draft.links):
        if link.row is not None:
            found = candidate.evaluator().row(link.row)["id"]
            other = next(row for row in candidate.world.tables[link.row.entity].rows if row != found)
            links = list(candidate.draft.links)
            links[number] = replace(link, row=ById(link.row.entity, other))
            mutant = altered(candidate)
            mutant.draft = replace(candidate.draft, links=tuple(links))
            return mutant
    return None


@mutations.of(g15_turns, least=1)
def other_one_that_is_the_same(candidate: Candidate) -> Candidate | None:
    """The row of which "the other one" is another is the one it speaks of."""
    for number, link in enumerate(candidate.draft.links):
        before = candidate.draft.goal[number - 1]
        if link.kind == "other" and isinstance(before, Attr) and isinstance(before.source, Higher):
            pair = before.source
            winner = pair.first if link.row == pair.second else pair.second
            links = list(candidate.draft.links)
            links[number] = replace(link, row=winner)
            mutant = altered(candidate)
            mutant.draft = replace(candidate.draft, links=tuple(links))
            return mutant
    return None


@mutations.of(g15_turns, least=1)
def other_one_of_what_nobody_chose_from(candidate: Candidate) -> Candidate | None:
    for number, link in enumerate(candidate.draft.links):
        if link.kind == "row" and link.row is not None:
            links = list(candidate.draft.links)
            links[number] = replace(link, kind="other")
            mutant = altered(candidate)
            mutant.draft = replace(candidate.draft, links=tuple(links))
            return mutant
    return None


@mutations.of(g15_turns, least=1)
def those_that_a_filter_has_left(candidate: Candidate) -> Candidate | None:
    """After a figure of a part of the group, "those" could be the part or the whole."""
    for number, link in enumerate(candidate.draft.links):
        before = candidate.draft.goal[number - 1]
        if link.kind == "more" and isinstance(before, Agg):
            column = next(iter(candidate.domain.entities[before.entity].of_type("enum", "state")), None)
            if column is None:
                continue
            goal = list(candidate.draft.goal)
            goal[number - 1] = replace(before, filter=(column, candidate.evaluator().group(before)[0][column]))
            mutant = altered(candidate)
            mutant.draft = replace(candidate.draft, goal=tuple(goal))
            return mutant
    return None


@mutations.of(g15_turns, least=1)
def both_of_three(candidate: Candidate) -> Candidate | None:
    for number, link in enumerate(candidate.draft.links):
        if link.kind == "both":
            links = list(candidate.draft.links)
            links[number - 2] = replace(links[number - 2], kind="instead")
            mutant = altered(candidate)
            mutant.draft = replace(candidate.draft, links=tuple(links))
            return mutant
    return None


@mutations.of(g15_turns)
def two_turns_with_one_answer(candidate: Candidate) -> Candidate | None:
    answers = [goal for goal in candidate.scenario.goals if isinstance(goal, AnswerGoal)]
    if len(answers) < 2:
        return None
    same = answers[-1].model_copy(update={"gold": answers[0].gold})
    return altered(candidate, goals=tuple(same if goal is answers[-1] else goal for goal in candidate.scenario.goals))


@mutations.of(g15_turns)
def turn_that_takes_up_nothing(candidate: Candidate) -> Candidate | None:
    if len(candidate.draft.links) < 2:
        return None
    mutant = altered(candidate)
    mutant.draft = replace(candidate.draft, links=(*candidate.draft.links[:-1], Link("row")))
    return mutant


@mutations.of(g15_turns)
def parent_of_another_turn_that_gives_nothing(candidate: Candidate) -> Candidate | None:
    found = candidate.scenario.sub_goals
    for number, sub_goal in enumerate(found):
        names = {parent.id for parent in sub_goal.parents}
        other = next((one.id for one in found if one.user_turn < sub_goal.user_turn and one.id not in names), None)
        if other is not None:
            return with_sub_goal(candidate, number, parents=(*sub_goal.parents, Parent(id=other)))
    return None


@mutations.of(g15_turns)
def row_of_an_earlier_turn_that_need_not_be_found(candidate: Candidate) -> Candidate | None:
    found = candidate.scenario.sub_goals
    turns = {sub_goal.id: sub_goal.user_turn for sub_goal in found}
    for number, sub_goal in enumerate(found):
        own = tuple(parent for parent in sub_goal.parents if turns.get(parent.id) == sub_goal.user_turn)
        if len(turns) > 1 and len(own) < len(sub_goal.parents) and sub_goal.user_turn:
            return with_sub_goal(candidate, number, parents=own)
    return None


@mutations.of(g15_turns, least=1)
def change_that_the_figure_does_not_show(candidate: Candidate) -> Candidate | None:
    """The world was so all along: the question after the change does not need it."""
    for number, link in enumerate(candidate.draft.links):
        act = candidate.draft.goal[number - 1]
        if link.kind == "now" and isinstance(act, Update) and isinstance(act.target, ByName | ById):
            cells = {(act.target.entity, act.target.row, act.column): act.value}
            return altered(candidate, with_cells(candidate.world, cells))
    return None


@mutations.of(g06_leak)
def answer_in_an_earlier_line(candidate: Candidate) -> Candidate | None:
    for goal in candidate.scenario.goals:
        if isinstance(goal, AnswerGoal) and goal.user_turn and goal.gold.kind == "number":
            return with_line(candidate, goal.user_turn - 1, f"I expect {display(goal.gold)} somewhere.")
    return None


@mutations.of(g06_leak)
def answer_in_its_own_line(candidate: Candidate) -> Candidate | None:
    for goal in candidate.scenario.goals:
        if isinstance(goal, AnswerGoal) and goal.user_turn and goal.gold.kind in ("number", "date"):
            return with_line(candidate, goal.user_turn, f"Is it {display(goal.gold)}?")
    return None


@mutations.of(g02_oracle)
def turn_of_a_later_goal_moved_up(candidate: Candidate) -> Candidate | None:
    """A goal is due before the calls it rests on are asked for."""
    goals, last = candidate.scenario.goals, len(candidate.scenario.user_turns) - 1
    if last < 1:
        return None
    swapped = tuple(goal.model_copy(update={"user_turn": last - goal.user_turn}) for goal in goals)
    return altered(candidate, goals=swapped)


@mutations.of(g03_differential, least=2)
def change_forgotten_by_a_later_turn(candidate: Candidate) -> Candidate | None:
    """A figure after a change is expected to be what it was before."""
    for number, link in enumerate(candidate.draft.links):
        wanted = candidate.draft.goal[number]
        if link.kind == "now" and isinstance(wanted, Agg):
            before = candidate.evaluator().value(wanted) if wanted.parent is None or is_settled(wanted) else None
            if before is None:
                continue
            goals = [goal for goal in candidate.scenario.goals if goal.user_turn == number]
            gold = goals[0].gold.model_copy(update={"value": before})  # type: ignore[union-attr]  # it asks for a figure
            new = goals[0].model_copy(update={"gold": gold})
            return altered(candidate, goals=tuple(new if g is goals[0] else g for g in candidate.scenario.goals))
    return None


@mutations.of(g09_writes)
def change_of_a_turn_to_another_row_expected(candidate: Candidate) -> Candidate | None:
    for goal in candidate.scenario.goals:
        if isinstance(goal, StateGoal) and goal.required[0].row is not None and len(candidate.scenario.user_turns) > 1:
            table = candidate.world.tables[goal.required[0].table]
            other = next(row for row in table.rows if row != goal.required[0].row)
            wrong = tuple(cell.model_copy(update={"row": other}) for cell in goal.required)
            new = goal.model_copy(update={"required": wrong})
            return altered(candidate, goals=tuple(new if g is goal else g for g in candidate.scenario.goals))
    return None


@mutations.of(g07_needed)
def call_made_before_what_it_rests_on(candidate: Candidate) -> Candidate | None:
    calls = candidate.draft.calls
    if len(candidate.scenario.user_turns) < 2 or calls[-1].user_turn == 0:
        return None
    mutant = altered(candidate)
    first = replace(calls[0], references={"id": (len(calls) - 1, ("id",))})
    mutant.draft = replace(candidate.draft, calls=[first, *calls[1:]])
    return mutant


@mutations.of(g07_needed)
def turn_with_a_call_that_leads_nowhere(candidate: Candidate) -> Candidate | None:
    """A turn's answer rests on less than its calls find out."""
    for goal in candidate.scenario.goals:
        own = [s for s in candidate.scenario.sub_goals if s.user_turn == goal.user_turn]
        if len(candidate.scenario.user_turns) > 1 and len(own) > 1 and isinstance(goal, AnswerGoal):
            new = goal.model_copy(update={"rests_on": (own[0].id,)})
            return altered(candidate, goals=tuple(new if g is goal else g for g in candidate.scenario.goals))
    return None


@mutations.of(g04_unique, least=1)
def row_of_a_later_turn_that_is_neither_said_nor_told(candidate: Candidate) -> Candidate | None:
    """A question about another row, whose line does not name it."""
    for number, link in enumerate(candidate.draft.links):
        if link.kind == "instead":
            lines = list(candidate.scenario.user_turns)
            lines[number] = "And the other one?"
            return altered(candidate, user_turns=tuple(lines))
    return None


@mutations.of(g06_leak)
def row_between_told_in_an_earlier_line(candidate: Candidate) -> Candidate | None:
    """What a turn finds on its way can be read off a line before it."""
    for number in range(1, len(candidate.scenario.user_turns)):
        own = [s for s in candidate.scenario.sub_goals if s.user_turn == number]
        parents = {parent.id for s in own for parent in s.parents}
        between = next((s.gold for s in own if s.id in parents and s.gold is not None), None)
        if between is not None and between.kind == "text":
            return with_line(candidate, number - 1, f"By the way, I have {between.value} here.")
    return None


def is_settled(agg: Agg) -> bool:
    """Whether what an expression speaks of was there from the start."""
    return not any(isinstance(part, Attr) for part in walk(agg))
