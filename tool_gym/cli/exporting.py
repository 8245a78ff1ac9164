"""`tool-gym export-trajectories`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tool_gym.cli.options import AsJson

if TYPE_CHECKING:
    from tool_gym.agents.encoding import Encoder
    from tool_gym.agents.interop import Episode
    from tool_gym.cli.rescoring import Scenarios

EXAMPLES = (
    "tool-gym export-trajectories hf played.jsonl --out played.parquet",
    "tool-gym export-trajectories hf played.jsonl --tokenizer my_model --out tokens.parquet",
    "tool-gym export-trajectories trl-sft played.jsonl --min-return 0.99 --out sft.parquet",
    "tool-gym export-trajectories dpo played.jsonl --suite my_pack --out pairs.jsonl",
)


def export_trajectories(  # noqa: PLR0913 - a command has the options it has
    form: Annotated[
        str,
        typer.Argument(metavar="FORMAT", help="hf, trl-sft, trl-sft-turns, trl-grpo, dpo, verl or verl-sft."),
    ],
    trajectories: Annotated[Path, typer.Argument(help="A JSONL file of trajectories, as rollout --out writes it.")],
    *,
    out: Annotated[Path, typer.Option(help="The file to write, named .parquet or .jsonl.")],
    suite: Annotated[
        list[str] | None,
        typer.Option(help="Packs the scenarios are in.", show_default="the bundled packs the trajectories name"),
    ] = None,
    min_return: Annotated[float | None, typer.Option(help="Leave out trajectories that earned less.")] = None,
    tokenizer: Annotated[
        str | None, typer.Option(help="hf: add tokens, masks and turn spans by this model's tokenizer (path or id).")
    ] = None,
    dialect: Annotated[str, typer.Option(help="With --tokenizer: how turns are written.")] = "hermes",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace what is there already.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write trajectories as a data set that other libraries train on.

    hf: messages, tools and the reward of every turn. trl-sft: conversations. trl-sft-turns: a row for each turn.
    trl-grpo: prompts. dpo: pairs of turns, a success's and a failure's. verl, verl-sft: rows for verl.
    """
    from tool_gym.agents.interop import FORMATS
    from tool_gym.agents.interop import export_trajectories as export
    from tool_gym.cli.find import names_of
    from tool_gym.cli.output import print_all, print_json, text
    from tool_gym.cli.rescoring import Scenarios
    from tool_gym.envs.pack import open_pack
    from tool_gym.errors import ExportError, UnknownNameError
    from tool_gym.progress import progress

    if form not in FORMATS:
        error = UnknownNameError.of("format", form, FORMATS)
        raise error
    if form == "dpo" and min_return is not None:
        msg = "dpo needs failures too, so it takes no --min-return"
        raise ExportError(msg)
    target = _target(out, trajectories, overwrite=overwrite)
    encoder = None if tokenizer is None else _encoder(tokenizer, dialect)
    episodes = _episodes(trajectories, Scenarios([open_pack(name) for name in names_of(suite or [])]), min_return)
    with progress("exporting", None) as done:
        count = export(form, episodes, target, encoder=encoder, done=done)
    if as_json:
        print_json({"format": form, "out": str(target), "rows": count})
    else:
        print_all(text(f"{count} rows are in {out}"))


def _target(out: Path, trajectories: Path, *, overwrite: bool) -> Path:
    """Return where a data set is to be written.

    Raises:
        ExportError: If its name has another suffix, or there is something already that is not to be replaced.
        ToolGymError: If it cannot be written.
    """
    from tool_gym.agents.interop.writing import check_suffix
    from tool_gym.cli.find import check_new_file
    from tool_gym.errors import ExportError

    check_suffix(out)
    target = check_new_file(out)
    if target.exists():
        if trajectories.exists() and target.samefile(trajectories):
            msg = f"--out is the file that is exported, {trajectories}: name another"
            raise ExportError(msg)
        if not overwrite:
            msg = f"{out} already exists; pass --overwrite to replace it"
            raise ExportError(msg)
    return target


def _episodes(path: Path, scenarios: Scenarios, min_return: float | None) -> Iterator[Episode]:
    """Yield the trajectories of a file that earned enough, each with its scenario."""
    from tool_gym.agents.interop import Episode
    from tool_gym.errors import UnknownNameError
    from tool_gym.trajectory import read_trajectories

    for number, trajectory in enumerate(read_trajectories(path), 1):
        if min_return is None or trajectory.episode_return >= min_return:
            try:
                scenario = scenarios.of(trajectory)
            except UnknownNameError as error:
                msg = f"{path}, trajectory {number}: {error}"
                raise UnknownNameError(msg) from None
            yield Episode(trajectory, scenario)


def _encoder(tokenizer: str, dialect: str) -> Encoder:
    from tool_gym.agents.encoding import Encoder
    from tool_gym.agents.models import load_tokenizer

    return Encoder(load_tokenizer(tokenizer), dialect)
