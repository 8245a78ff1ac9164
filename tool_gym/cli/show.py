"""`tool-gym show`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from tool_gym.cli.options import AsJson

if TYPE_CHECKING:
    from tool_gym.envs.pack import Task

EXAMPLES = (
    "tool-gym show 3f2a",
    "tool-gym show 3f2a --json > scenario.json",
)


def show(
    scenario: Annotated[str, typer.Argument(help="An id, or as much of its beginning as is unique; or a JSON file.")],
    *,
    pack: Annotated[str, typer.Option(help="The pack's name or folder.")] = "everyday",
    tools: Annotated[bool, typer.Option("--tools/--no-tools", help="Show the tools.")] = True,
    as_json: AsJson = False,
) -> None:
    """Show one scenario: what is asked, with which tools, what has to be found out, and what counts as done.

    With --json it is printed with its world inside, so that it stands alone: check and show read such files.
    """
    from tool_gym.cli.find import task_named
    from tool_gym.cli.output import print_all, print_json
    from tool_gym.cli.scenario_view import parts_of

    task, where = task_named(scenario, pack)
    if as_json:
        print_json(_standalone(task))
    else:
        print_all(*parts_of(task.scenario, where, tools=tools))


def _standalone(task: Task) -> Any:
    from tool_gym import jsonio

    return jsonio.loads(task.scenario.model_copy(update={"world": task.world, "world_ref": None}).to_json())
