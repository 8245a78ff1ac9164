"""G6: neither the answer nor a sub-answer stands in the request or in the tools' documents.

In FTRL's released test split 13 % of the final answers are words of the question and 9 % of the sub-answers stand
in the documents. A value of a closed list may stand in a tool's enum, where G5 bounds what it gives away.
"""

from __future__ import annotations

import re
from functools import lru_cache

from tool_gym import jsonio
from tool_gym.generators.candidate import Candidate
from tool_gym.generators.decompose import RejectedError
from tool_gym.scenario import AnswerGoal
from tool_gym.values import EnumValue, SequenceValue, SetValue, Value, display

GATE = "G6"

_TOKEN = re.compile(r"[\w²]+(?:[.\-]\w+)*")


def check(candidate: Candidate) -> None:
    """Reject the candidate if a gold can be read off before any call is made."""
    scenario = candidate.scenario
    golds = [(goal.gold, "answer") for goal in scenario.goals if isinstance(goal, AnswerGoal)]
    golds += [(sub_goal.gold, "sub-answer") for sub_goal in scenario.sub_goals if sub_goal.gold is not None]
    request = " ".join(_tokens(" ".join(scenario.user_turns)))
    documents = [_document(jsonio.dumps(tool.schema)) for tool in scenario.tools]
    for gold, what in golds:
        for value in _flat(gold):
            wanted = " ".join(_tokens(_bare(value)))
            if _stands_in(wanted, request):
                raise RejectedError(GATE, f"the {what} stands in the request")
            if not isinstance(value, EnumValue) and any(_stands_in(wanted, text) for text in documents):
                raise RejectedError(GATE, f"the {what} stands in a tool's document")


def _stands_in(wanted: str, text: str) -> bool:
    return f" {wanted} " in f" {text} "


def _bare(value: Value) -> str:
    """Return a value as a token of text: without its unit."""
    return str(value.value) if value.kind == "number" else display(value)


def _flat(gold: Value) -> tuple[Value, ...]:
    return gold.items if isinstance(gold, SequenceValue | SetValue) else (gold,)


def _tokens(text: str) -> list[str]:
    return _TOKEN.findall(text.casefold().replace("_", " "))


@lru_cache(maxsize=8192)
def _document(schema: str) -> str:
    return " ".join(_tokens(schema))
