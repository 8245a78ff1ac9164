"""Plans as a model writes them: references, conditions, acts; executed by our engine, judged by the scenario."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.generators.building import SHAPES, built
from tool_gym.generators.candidate import Candidate
from tool_gym.generators.llm import plans
from tool_gym.generators.llm.anchors import anchors, problems_of
from tool_gym.llm.problems import schema_problems
from tool_gym.scenario import Reference, SubGoal
from tool_gym.turns import ActKind
from tool_gym.values import display


def step(name: str, tool: str, arguments: dict[str, Any], *only_if: tuple[str, str, str]) -> dict[str, Any]:
    conditions = [{"left": left, "is": how, "right": right} for left, how, right in only_if]
    return {"id": name, "tool": tool, "arguments": json.dumps(arguments), "only_if": conditions}


def written(candidate: Candidate) -> dict[str, Any]:
    """A candidate's plan with its references written as a model would."""
    scenario = candidate.scenario
    number = {one.sub_goal: n for n, one in enumerate(scenario.oracle().steps)}
    steps = []
    for n, one in enumerate(scenario.oracle().steps):
        sub_goal = scenario.sub_goal_by_id[one.sub_goal]
        passed = {name: refer(reference, number, sub_goal, name) for name, reference in one.references.items()}
        steps.append(step(f"s{n}", sub_goal.tool, {**one.literals, **passed}))
    goal = scenario.goals[0]
    text = display(goal.gold) if goal.kind == "answer" else "done"
    return {"steps": steps, "act": "answer" if goal.kind == "answer" else "done", "text": text}


def refer(reference: Reference, number: dict[str, int], sub_goal: SubGoal, name: str) -> Any:
    if reference.codec is not None:  # a form of its own, which a model would put together from what it read
        return (sub_goal.arguments or {})[name]
    return "{s%d%s}" % (number[reference.sub_goal], "".join(f".{part}" for part in reference.path))  # noqa: UP031 - braces


class TestExecution:
    @pytest.mark.parametrize("shape", [s for s in SHAPES if s not in ("decline", "ask", "multi_turn")])
    def test_references_lead_to_the_goals(self, shape: str) -> None:
        candidate = built("hotels", shape)
        plan, play = written(candidate), candidate.play()
        assert schema_problems(plans.SCHEMA, plan) == []
        assert list(plans.problems_of(plan, candidate.scenario, set())) == []
        assert plans.execute(play, plan, {}, candidate.scenario) is ActKind.ANSWER
        assert play.goals == 1.0

    def test_an_answer_is_told_by_what_was_served(self) -> None:
        candidates = (built("hotels", "single_hop", number) for number in range(20))
        candidate = next(c for c in candidates if c.scenario.goals[0].gold == c.scenario.sub_goals[-1].gold)  # type: ignore[union-attr]  # a single hop asks for an answer
        plan, last = written(candidate), candidate.scenario.sub_goals[-1]
        plan["text"] = "{s0%s}" % "".join(f".{part}" for part in last.result_path)  # noqa: UP031 - braces
        play = candidate.play()
        plans.execute(play, plan, {}, candidate.scenario)
        assert play.goals == 1.0

    def test_conditions_choose_the_branch(self) -> None:
        candidate = built("hotels", "conditional")
        plan, results = written(candidate), dict[str, Any]()
        first = plan["steps"][0]
        plan["steps"][1:] = [
            {**one, "only_if": [{"left": "1", "is": "equal", "right": "2"}]} for one in plan["steps"][1:]
        ]
        play = candidate.play()
        plans.execute(play, plan, results, candidate.scenario)
        assert list(results) == [first["id"]]
        assert play.goals < 1.0

    @pytest.mark.parametrize(
        ("left", "how", "right", "holds"),
        [
            ("{s1.n}", "less", "3", True),
            ("{s1.n}", "at_least", "3", False),
            ("{s1.day}", "less", "2024-10-01", True),
            ("{s1.day}", "greater", "{s1.day}", False),
            ("{s1.free}", "equal", "true", True),
            ("{s1.free}", "not_equal", "yes", False),
            ("{s1.word}", "equal", "Open", True),
            ("{s1.n}", "at_most", "2", True),
        ],
    )
    def test_what_is_compared(self, left: str, how: str, right: str, holds: bool) -> None:  # noqa: FBT001 - a table's column
        results = {"s1": {"n": 2, "day": "2024-09-30", "free": True, "word": "open"}}
        assert plans._holds({"left": left, "is": how, "right": right}, results) is holds

    @pytest.mark.parametrize(
        "broken",
        ["{s1.nothing}", "{s1.items.7}", "{s1.n.deeper}", "{s2.n}"],
        ids=["no key", "no item", "no object", "a step that was not made"],
    )
    def test_a_reference_to_nothing_is_no_plan(self, broken: str) -> None:
        with pytest.raises(plans.PlanError, match="there is nothing at"):
            plans._filled({"x": [broken]}, {"s1": {"n": 1, "items": [1]}})

    @given(st.text(max_size=30))
    def test_no_text_is_evaluated(self, text: str) -> None:
        found = plans._filled({"a": text + "{0.__class__}"}, {"s1": {"n": 1}})
        assert found == {"a": text + "{0.__class__}"}

    def test_values_take_the_form_that_is_wanted(self) -> None:
        assert plans._as_wanted(2.5, {"type": "string"}) == "2.5"
        assert plans._as_wanted("7", {"type": "integer"}) == 7
        assert plans._as_wanted("x", {"type": "number"}) == "x"
        assert plans._as_wanted("a", {"type": "array"}) == ["a"]

    def test_what_cannot_be_executed_is_said_with_its_place(self) -> None:
        scenario = built("hotels", "single_hop").scenario
        tool = scenario.tools[0].name
        plan = {
            "steps": [
                step("s1", "nothing", {}),
                {**step("s1", tool, {}), "arguments": "[]"},
                step("s3", tool, {"a": "{s4.b}"}),
            ],
            "act": "answer",
            "text": "{s9}",
        }
        found = {(problem.path, problem.rule) for problem in plans.problems_of(plan, scenario, set())}
        assert found == {
            ("/steps/0/tool", "unknown tool"),
            ("/steps/1/id", "twice"),
            ("/steps/1/arguments", "JSON"),
            ("/steps/2", "reference"),
            ("/text", "reference"),
        }


class TestShapes:
    @pytest.mark.parametrize("shape", SHAPES)
    def test_results_are_described_without_their_values(self, shape: str) -> None:
        candidate = built("hotels", shape)
        shapes = plans.result_shapes(candidate)
        assert list(shapes) == [tool.name for tool in candidate.scenario.tools]
        words = {"string", "number", "boolean", "null", "not known", "one of"}

        def check(value: Any) -> None:
            if isinstance(value, dict):
                for item in value.values():
                    check(item)
            elif isinstance(value, list):
                for item in value:
                    check(item)
            else:
                assert value in words

        check(shapes)
        needed = {sub_goal.tool for sub_goal in candidate.scenario.sub_goals if not sub_goal.effects}
        assert all(shapes[name] != "not known" for name in needed)


class TestAnchors:
    @pytest.mark.parametrize("shape", SHAPES)
    @pytest.mark.parametrize("domain", ["hotels", "energy", "car_rental"])
    def test_a_text_paraphrases_itself(self, domain: str, shape: str) -> None:
        candidate = built(domain, shape)
        for turn in candidate.scenario.user_turns:
            assert list(problems_of(candidate, turn, turn, 0)) == []

    @pytest.mark.parametrize("shape", SHAPES)
    def test_no_anchor_may_be_left_out_or_doubled(self, shape: str) -> None:
        candidate = built("energy", shape)
        for turn in candidate.scenario.user_turns:
            for anchor in anchors(candidate, turn):
                for other in (turn.replace(anchor, "it"), f"{turn} {anchor}"):
                    rules = {problem.rule for problem in problems_of(candidate, turn, other, 0)}
                    assert rules & {"anchor", "new number", "new name", "length"}, (anchor, other)
