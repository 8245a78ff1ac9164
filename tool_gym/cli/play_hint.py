"""The next turn of a scenario's plan, for a person who is stuck."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from tool_gym.envs.env import ToolUseEnv
from tool_gym.envs.policies import OraclePolicy
from tool_gym.envs.rollout import rollout
from tool_gym.trajectory import Step
from tool_gym.turns import ActKind, ToolCall, Turn


def planned_steps(env: ToolUseEnv) -> tuple[Step, ...]:
    """Play the scenario of `env` by its plan, in an environment apart.

    Raises:
        NoOracleError: If it has no plan.
    """
    apart = ToolUseEnv(env.pack, scenario=env.scenario.id, dialect="structured")
    return rollout(apart, OraclePolicy(), seed=0).steps


def next_turn(plan: Iterable[Step], played: Sequence[Step]) -> Turn | None:
    """Return the plan's first turn that was not played yet and still can be; None if there is none.

    Args:
        plan: The steps of an episode played by the plan.
        played: The steps of this episode.
    """
    made = [call for step in played for call in _calls_made(step)]
    replies = Counter(step.reply for step in played if _kind(step.turn) is ActKind.ASK)
    now = sum(_kind(step.turn) in (ActKind.ANSWER, ActKind.DECLINE) for step in played)
    for step in plan:
        if step.turn.calls:
            done = [_find(call, made) for call in _calls_made(step)]
            if None not in done:
                made = [call for call in made if all(call is not one for one in done)]
                continue
        elif _kind(step.turn) is ActKind.ASK and replies[step.reply]:
            replies[step.reply] -= 1
            continue
        if step.user_turn >= now:
            return step.turn
    return None


def _find(planned: ToolCall, made: Iterable[ToolCall]) -> ToolCall | None:
    """Return a call that was made as planned, further arguments or not."""
    wanted = planned.arguments.items()
    return next((call for call in made if call.name == planned.name and wanted <= call.arguments.items()), None)


def _calls_made(step: Step) -> list[ToolCall]:
    """Return the calls of a step that did what they were asked to."""
    return [
        call
        for call, result in zip(step.turn.calls, step.results, strict=True)
        if isinstance(call, ToolCall) and result.ok
    ]


def _kind(turn: Turn) -> ActKind | None:
    return turn.act.kind if turn.act is not None else None
