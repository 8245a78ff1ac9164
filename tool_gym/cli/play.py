"""`tool-gym play`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from tool_gym.envs.env import ToolUseEnv

EXAMPLES = (
    "tool-gym play",
    "tool-gym play 3f2a --out mine.jsonl",
    "tool-gym play --suite my_pack --split train --seed 7",
)


def play(  # noqa: PLR0913 - a command has the options it has
    scenario: Annotated[
        str | None,
        typer.Argument(
            help="An id, or as much of its beginning as is unique; or a JSON file.", show_default="one is drawn"
        ),
    ] = None,
    *,
    suite: Annotated[str, typer.Option(help="A pack's name or folder.")] = "everyday",
    split: Annotated[str, typer.Option(help="Split to draw from, or all.")] = "test",
    seed: Annotated[
        int | None, typer.Option(min=0, help="Draws the scenario.", show_default="another each time")
    ] = None,
    reward: Annotated[str, typer.Option(help="What the turns are scored by.")] = "solve",
    max_turns: Annotated[int, typer.Option(min=2, help="Turns after which the episode is cut off.")] = 32,
    out: Annotated[Path | None, typer.Option(help="Write the trajectory to this file, as JSONL.")] = None,
) -> None:
    """Play one episode yourself: see what a model sees, call tools, answer, and see what each turn earns.

    Lines come from standard input: calls, acts such as `Answer: 42`, commands (`help` lists them).

    A line that cannot be read costs nothing: at a terminal you are asked whether to send it, in a pipe it is not sent.
    """
    from tool_gym.cli.find import check_new_file
    from tool_gym.cli.output import print_all, tell
    from tool_gym.cli.play_game import Game, Lines
    from tool_gym.cli.play_view import opening
    from tool_gym.trajectory import write_trajectories

    target = check_new_file(out) if out is not None else None
    env, where = _opened(scenario, suite, split, reward, max_turns)
    env.reset(seed=seed)
    print_all(*opening(env.scenario, where))
    game = Game(env, Lines())
    game.play()
    if target is not None:
        write_trajectories(target, [game.trajectory])
        tell(f"the trajectory is in {out}")


def _opened(scenario: str | None, suite: str, split: str, reward: str, max_turns: int) -> tuple[ToolUseEnv, str]:
    """Return the environment, and where its scenarios are, in words."""
    from tool_gym.cli.find import entry_of, is_file_name, read_scenario, task_of
    from tool_gym.envs.env import ToolUseEnv
    from tool_gym.envs.pack import MemoryPack, Pack, open_pack

    pack: Pack
    chosen: str | None = None
    if scenario is not None and is_file_name(scenario):
        task = task_of(read_scenario(Path(scenario)))
        pack, chosen, where = MemoryPack([task.scenario]), task.scenario.id, f"file {scenario}"
    else:
        pack = open_pack(suite)
        where = f"pack {pack.name}"
        if scenario is not None:
            chosen = entry_of(pack, scenario).id
    drawn_from = None if chosen is not None or split == "all" else split
    env = ToolUseEnv(pack, split=drawn_from, scenario=chosen, dialect="structured", reward=reward, max_turns=max_turns)
    return env, where
