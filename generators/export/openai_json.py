"""A scenario as a request to OpenAI's chat completions: messages and tools, ready to be sent."""

from __future__ import annotations

from typing import Any

from tool_gym.generators.export.naming import openai_names
from tool_gym.messages import user_message
from tool_gym.scenario import Scenario


def openai_request(scenario: Scenario) -> dict[str, Any]:
    """Return what the user says and the tools, in OpenAI's form.

    Returns:
        `id` and `shape` of the scenario; `messages`, the first user turn; `tools`; `names`, new name → the tool's own
        where the API takes no such name (a dot becomes an underscore, what is too long is cut); `later_user_turns`,
        what the user says when the model has finished the turn before. No goals and no golds.
    """
    names = openai_names(tool.name for tool in scenario.tools)
    tools = [tool.schema for tool in scenario.tools]
    for tool in tools:
        tool["function"]["name"] = names[tool["function"]["name"]]
    return {
        "id": scenario.id,
        "shape": scenario.shape,
        "messages": [user_message(scenario.user_turns[0])],
        "tools": tools,
        "names": {safe: name for name, safe in names.items() if safe != name},
        "later_user_turns": list(scenario.user_turns[1:]),
    }
