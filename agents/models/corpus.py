"""Text to train a tokenizer on: what oracles say and see in training scenarios."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tool_gym.envs.env import ToolUseEnv
from tool_gym.envs.pack import Pack
from tool_gym.envs.policies.reference import OraclePolicy
from tool_gym.envs.rollout import rollout
from tool_gym.errors import NoOracleError


def corpus(pack: Pack, scenarios: Sequence[str]) -> Iterator[str]:
    """Yield, for each scenario that has an oracle, its documents and its whole conversation as the oracle plays it.

    Args:
        pack: Where they are.
        scenarios: Ids; of the training split, so that no word of a held-out world gets a token of its own.
    """
    env = ToolUseEnv(pack)
    for scenario in scenarios:
        try:
            trajectory = rollout(env, OraclePolicy(), seed=0, options={"scenario": scenario})
        except NoOracleError:
            continue
        for tool in env.scenario.tools:
            yield f"{tool.name}({', '.join(tool.parameters.get('properties', ()))}) {tool.description}"
        yield from env.scenario.user_turns
        for step in trajectory.steps:
            yield step.turn.raw
            yield from (result.text for result in step.results)
            yield step.reply
