"""How often a return of 1 can be had from the menu of `DiscreteToolActions`: an oracle that chooses from it.

    python -m benchmarks.menu_coverage

At each turn the oracle tries every entry and keeps the one that pays best, the plan's next call before others that pay
as much. It stops where no entry pays. So what it earns is a lower bound of what the menu allows.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from tool_gym.envs.env import ToolUseEnv
from tool_gym.envs.pack import Entry, open_pack
from tool_gym.envs.wrappers import DiscreteToolActions
from tool_gym.scenario import SubGoal
from tool_gym.turns import ToolCall, Turn

SHAPES = ("single_hop", "parallel_single_hop", "multi_hop", "parallel_multi_hop", "write", "decline")
_NEARLY = 1 - 1e-9


class Played(NamedTuple):
    """What the oracle earned in one episode."""

    shape: str
    earned: float
    offered: tuple[int, ...]
    """Entries offered at each turn."""
    chosen: tuple[int, ...]
    """Numbers chosen."""


def play(env: DiscreteToolActions, scenario: str) -> Played:
    """Play one scenario by the menu."""
    base = env.unwrapped
    if not isinstance(base, ToolUseEnv):
        raise TypeError(base)
    env.reset(options={"scenario": scenario})
    earned, offered, chosen, over = 0.0, list[int](), list[int](), False
    while not over:
        offered.append(int(env.action_masks().sum()))
        pays, number = max(_tried(env, base), key=lambda tried: (tried[0], -tried[1]))
        if pays <= 0:
            break
        chosen.append(number)
        _, reward, terminated, truncated, _ = env.step(number)
        earned += float(reward)
        over = terminated or truncated
    return Played(base.scenario.shape, earned, tuple(offered), tuple(chosen))


def _tried(env: DiscreteToolActions, base: ToolUseEnv) -> Iterator[tuple[float, int]]:
    """Yield what each entry pays, a little more for the plan's next call, and its number."""
    plan = base.scenario.oracle().steps
    made = [call for step in base.trajectory.steps for call in step.turn.calls if isinstance(call, ToolCall)]
    wanted = [base.scenario.sub_goal_by_id[step.sub_goal] for step in plan]
    left = [one for one in wanted if not any(_asks_for(call, one) for call in made)]
    state = base.snapshot()
    for number, turn in enumerate(env.menu):
        if turn is not None:
            pays = base.step(base.dialect.write(turn))[1]
            base.restore(state)
            yield pays + 1e-3 * (pays > 0 and bool(left) and _is_call(turn, left[0])), number


def _is_call(turn: Turn, wanted: SubGoal) -> bool:
    return any(isinstance(call, ToolCall) and _asks_for(call, wanted) for call in turn.calls)


def _asks_for(call: ToolCall, wanted: SubGoal) -> bool:
    """Return whether a call is the sub-goal's, but for arguments it leaves out."""
    arguments = wanted.arguments or {}
    return call.name == wanted.tool and all(arguments.get(name) == value for name, value in call.arguments.items())


def measure(entries: Sequence[Entry], env: DiscreteToolActions) -> list[Played]:
    """Play some scenarios of the environment's pack."""
    return [play(env, entry.id) for entry in entries]


def table(played: Sequence[Played]) -> str:
    """Return what was earned, by shape."""
    line = "{:<20}  {:>9}  {:>10}  {:>11}".format
    rows = [line("shape", "scenarios", "return 1", "mean return")]
    for shape in (*SHAPES, "all"):
        earned = [one.earned for one in played if shape in (one.shape, "all")]
        solved = f"{np.mean([each > _NEARLY for each in earned]):.1%}"
        rows.append(line(shape, len(earned), solved, f"{np.mean(earned):.3f}"))
    return "\n".join(rows)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pack", default="everyday")
    parser.add_argument("--split", help="train, validation or test; all if not given")
    parser.add_argument("--every", type=int, default=1, help="play every n-th scenario")
    args = parser.parse_args(arguments)
    env = DiscreteToolActions(ToolUseEnv(args.pack, dialect="structured"))
    played = measure(open_pack(args.pack).entries(args.split)[:: args.every], env)
    print(table(played))
    offered = [count for one in played for count in one.offered]
    calls = Counter(number for one in played for number in one.chosen if number >= env.first_call)
    best, near = calls[env.first_call], sum(calls[env.first_call + rank] for rank in range(5))
    first, five = best / calls.total(), near / calls.total()
    print(f"\n{np.mean(offered):.0f} of {len(env.menu)} entries are offered on average, {max(offered)} at most.")
    print(f"Of the calls chosen, {first:.0%} came first, {five:.0%} among the first five.")


if __name__ == "__main__":
    main()
