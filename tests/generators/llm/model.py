"""A deterministic model that knows a pack: it paraphrases, plans, guesses wrong and documents as asked."""

from __future__ import annotations

import json
from typing import Any

from tests.generators.llm.written import patch, probed, said
from tool_gym.generators.llm.rebuilt import Source
from tool_gym.scenario import Scenario
from tool_gym.values import display

POLITE = "Here is what I would like to ask of you. "
PLAINLY = "Put plainly: "


class Model:
    """Answers the requests of the stages that rewrite a pack."""

    def __init__(self, source: Source) -> None:
        scenarios = [source.scenario(entry) for entry in source.entries]
        self._by_line = {line: (s, n) for s in scenarios for n, line in enumerate(s.user_turns)}

    def __call__(self, body: dict[str, Any]) -> str:
        probing = probed(body)
        if probing is not None:
            return probing
        if "JSON Patch (RFC 6902)" in body["messages"][-1]["content"]:
            right = self({**body, "messages": body["messages"][:-2]})
            return patch(json.loads(right), body["messages"][-1]["content"])
        text = said(body)
        if "The lines, as JSON: " in text:
            return self.paraphrase(_after(text, "The lines, as JSON: "))
        if "The documentation, as JSON: " in text:
            return self.document(_after(text, "The documentation, as JSON: "))
        if "you have no tools" in text:
            return json.dumps({"text": "I would not know"})
        return self.plan(body)

    def paraphrase(self, lines: list[str]) -> str:
        return json.dumps({"turns": [POLITE + line for line in lines]})

    def document(self, document: dict[str, Any]) -> str:
        parameters = [{**one, "description": PLAINLY + one["description"]} for one in document["parameters"]]
        return json.dumps({"description": PLAINLY + document["description"], "parameters": parameters})

    def meant(self, line: str) -> tuple[Scenario, int] | None:
        """The scenario and user turn that a line paraphrases."""
        lines = [one for one in self._by_line if one in line]
        return self._by_line[max(lines, key=len)] if lines else None

    def plan(self, body: dict[str, Any]) -> str:
        users = [message["content"] for message in body["messages"][:-1] if message["role"] == "user"]
        known = [self.meant(line) for line in users]
        scenario, turn = next(found for found in reversed(known) if found is not None)
        return json.dumps(oracle_plan(scenario, turn, has_asked=known[-1] is None))


def oracle_plan(scenario: Scenario, turn: int, *, has_asked: bool) -> dict[str, Any]:
    """The scenario's own plan for one user turn, in the form that is asked for."""
    goals = scenario.goals_of(turn)
    asks = [goal for goal in goals if goal.kind == "ask"]
    if asks and not has_asked:
        return {"steps": [], "act": "ask", "text": f"{asks[0].keywords[0]}?"}
    steps = [
        {"id": f"s{number}", "tool": sub_goal.tool, "arguments": json.dumps(sub_goal.arguments), "only_if": []}
        for number, sub_goal in enumerate(scenario.sub_goal_by_id[step.sub_goal] for step in scenario.oracle().steps)
        if sub_goal.user_turn == turn
    ]
    for goal in goals:
        if goal.kind == "decline":
            return {"steps": steps, "act": "decline", "text": goal.reason}
        if goal.kind == "answer":
            return {"steps": steps, "act": "answer", "text": display(goal.gold)}
    return {"steps": steps, "act": "done", "text": "done"}


def _after(text: str, mark: str) -> Any:
    found, _ = json.JSONDecoder().raw_decode(text.rpartition(mark)[2])
    return found
