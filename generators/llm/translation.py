"""Back from words to a plan: a fresh call that never saw the gold must find it with the tools, and not without them.

The model sees the request, the tools, and what their results look like: types, no values. Its plan is executed by our
engine on the scenario's world, and the scenario's own goals say whether it came out right.
"""

from __future__ import annotations

from typing import Any

from tool_gym import jsonio
from tool_gym.generators.candidate import Candidate
from tool_gym.generators.llm import plans
from tool_gym.generators.llm.rebuilt import ALONE
from tool_gym.llm.answers import Constraint, ask_json
from tool_gym.llm.client import Client
from tool_gym.scenario import AnswerGoal, Scenario
from tool_gym.turns import ActKind
from tool_gym.values import BooleanValue, EnumValue, Value, answers

VERSION = "1"
"""Version of the prompts."""

BACK, GUESS = "back-translation", "no tools"
MAX_TOKENS, MAX_GUESS = 3000, 300

_ORDER = """\
You are given a request and the tools that can serve it. Write the plan of calls that does what the request asks.

- Each step has an id (s1, s2, …), a tool and its arguments: a JSON object, written as text. A value from an earlier
  result is written {s1.items.0.id}: the step and the path in its result. Never guess an id or a figure.
- only_if is empty, or holds conditions that must all be true for the step to be made: left and right are a reference or
  a literal. For "otherwise", write a step with the opposite condition.
- act says how the turn ends. answer: text is the answer, made of references such as {s2.price} where it can be, several
  separated by "; " in the order asked. done: something was changed and nothing is asked for. ask: the request leaves
  out what only the user knows; text asks for it, and there are no steps. decline: the tools or the data cannot do it;
  text says why.
- Steps of earlier turns can be referred to; go on numbering.

What the results of the tools look like:
"""
_BLIND = """\
Answer the request from what you know and from its own words; you have no tools and cannot look anything up. Give your
best guess as text, several answers separated by "; ", and nothing else."""
_GUESSED = {
    "type": "object",
    "properties": {"text": {"type": "string", "maxLength": 500}},
    "required": ["text"],
    "additionalProperties": False,
}


def comes_back(candidate: Candidate, client: Client, constraint: Constraint, vote: int) -> bool:
    """Return whether a plan made from the words alone meets every goal of the scenario.

    Args:
        candidate: The scenario with the words in question.
        client: Who is asked.
        constraint: How it is held to a schema.
        vote: Number of the attempt; each is a fresh call.

    Raises:
        EndpointError: If the endpoint fails for good.
        BudgetError: If a cap would be passed.
    """
    results: dict[str, Any] = {}
    with ALONE:
        scenario, play, talk = candidate.scenario, candidate.play(), _opening(candidate)
    for number, line in enumerate(scenario.user_turns):
        lines = [line, *(goal.reply for goal in scenario.goals_of(number) if goal.kind == "ask")]
        for said in lines:
            talk.append({"role": "user", "content": said})
            plan = _planned(candidate, client, constraint, talk, set(results), vote)
            if plan is None:
                return False
            try:
                with ALONE:
                    ended = plans.execute(play, plan, results, scenario)
            except plans.PlanError:
                return False
            talk.append({"role": "assistant", "content": jsonio.dumps(plan)})
            if ended is not ActKind.ASK:
                break
    return play.goals == 1.0


def guessable(scenario: Scenario) -> list[Value]:
    """Return the golds that a guess without tools is held against.

    Yes, no and the values of closed lists are left out: they can be hit by luck, and gate G5 bounds what luck is worth.
    """
    golds = [goal.gold for goal in scenario.goals if isinstance(goal, AnswerGoal)]
    return [gold for gold in golds if not isinstance(gold, BooleanValue | EnumValue)]


def is_guessed(scenario: Scenario, client: Client, constraint: Constraint) -> bool:
    """Return whether a model without tools hits one of the golds."""
    asked = [{"role": "user", "content": f"{_BLIND}\n\n{line}"} for line in ("\n".join(scenario.user_turns),)]
    outcome = ask_json(
        client,
        asked,
        _GUESSED,
        stage=GUESS,
        version=VERSION,
        constraint=constraint,
        max_tokens=MAX_GUESS,
        temperature=0,
    )
    text = outcome.value["text"] if outcome.is_good else ""
    said = [text, *(part.strip() for part in text.split(";"))]
    return any(answers(gold, one) for gold in guessable(scenario) for one in said)


def _opening(candidate: Candidate) -> list[dict[str, Any]]:
    tools = jsonio.dumps([tool.schema["function"] for tool in candidate.scenario.tools])
    shapes = jsonio.dumps(plans.result_shapes(candidate))
    return [{"role": "system", "content": f"{_ORDER}{shapes}\n\nThe tools:\n{tools}"}]


def _planned(  # noqa: PLR0913, PLR0917 - each says something else
    candidate: Candidate,
    client: Client,
    constraint: Constraint,
    talk: list[dict[str, Any]],
    known: set[str],
    vote: int,
) -> dict[str, Any] | None:
    outcome = ask_json(
        client,
        talk,
        plans.SCHEMA,
        stage=BACK,
        version=VERSION,
        constraint=constraint,
        check=lambda plan: list(plans.problems_of(plan, candidate.scenario, known)),
        max_tokens=MAX_TOKENS,
        sample=vote,
    )
    plan: dict[str, Any] | None = outcome.value
    return plan
