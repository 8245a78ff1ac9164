"""`tool-gym schema`."""

from __future__ import annotations

from tool_gym.cli.output import print_json

EXAMPLES = ("tool-gym schema > scenario.schema.json",)


def schema() -> None:
    """Print the JSON Schema of a scenario."""
    from tool_gym.scenario import scenario_schema

    print_json(scenario_schema())
