"""`tool-gym check`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tool_gym.cli.options import AsJson

if TYPE_CHECKING:
    from tool_gym.envs.checker import PackReport

EXAMPLES = (
    "tool-gym check everyday --split test",
    "tool-gym check my_scenario.json",
)


def check(
    pack: Annotated[str, typer.Argument(help="A pack's name or folder, or a JSON file of one scenario.")],
    *,
    split: Annotated[str | None, typer.Option(help="Only this split.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many scenarios, spread evenly.")] = None,
    as_json: AsJson = False,
) -> None:
    """Check that scenarios are sound: solvable, paid as documented, repeatable. Exits 1 if something is found."""
    from tool_gym.cli.output import print_json

    report = _check_file(pack) if pack.endswith(".json") or Path(pack).is_file() else _check_pack(pack, split, limit)
    if as_json:
        found = [{"scenario": name, **f._asdict()} for name, all_of in report.findings.items() for f in all_of]
        print_json({"checked": report.checked, "ok": report.ok, "findings": found})
    else:
        _print(report)
    if not report.ok:
        raise typer.Exit(1)


def _check_file(name: str) -> PackReport:
    from tool_gym.cli.find import read_scenario, task_of
    from tool_gym.envs.checker import PackReport, check_scenario

    scenario = read_scenario(Path(name))
    found = check_scenario(*task_of(scenario))
    return PackReport(1, {scenario.id: found} if found else {})


def _check_pack(name: str, split: str | None, limit: int | None) -> PackReport:
    from tool_gym.cli.find import entries_of
    from tool_gym.envs.checker import check_pack
    from tool_gym.envs.pack import open_pack
    from tool_gym.envs.rollout import spread
    from tool_gym.progress import progress

    pack = open_pack(name)
    total = len(spread(entries_of(pack, split), limit))
    with progress("checking", total) as done:
        return check_pack(pack, split=None if split == "all" else split, limit=limit, progress=done)


def _print(report: PackReport) -> None:
    from tool_gym.cli.output import print_all, table, text

    parts = []
    if not report.ok:
        rows = [(name, f.check, f.message) for name, found in report.findings.items() for f in found]
        parts.append(table(("scenario", "check", "what is wrong"), rows))
    scenarios = f"{report.checked} scenario{'s' if report.checked != 1 else ''}"
    verdict = f"{len(report.findings)} with findings" if report.findings else "no findings"
    print_all(*parts, text(f"{scenarios} checked: {verdict}"))
