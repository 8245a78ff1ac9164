"""The folder of a run, and of a seed in it: what was asked for, what is finished, what is whole.

OUT/pack/                     the generated pack, shared by all seeds
OUT/results.json, table.md, curve.png, curve.svg      over the seeds that are finished
OUT/seed-0/config.toml        the resolved configuration
OUT/seed-0/base/              the model it began with, where that was made here
OUT/seed-0/STAGE/checkpoint-N TRL's checkpoints, while the stage runs
OUT/seed-0/STAGE/final/       the stage's model and tokenizer
OUT/seed-0/STAGE/done.json    written last: the stage is finished
OUT/seed-0/evaluations/       every evaluation, and the trajectories of the last one of each stage
OUT/seed-0/results.json, table.md, curve.png, curve.svg
"""

from __future__ import annotations

import json
import shutil
import tomllib
from pathlib import Path
from typing import Any

from tool_gym.agents.training.config import TrainConfig
from tool_gym.agents.training.settings import config_of, flat, to_toml
from tool_gym.errors import AgentError, ToolGymError
from tool_gym.files import write_whole

FORMAT = 1
"""Version of the layout; folders of another are refused."""

FREE = frozenset(
    {
        "run.out",
        "run.seeds",
        "run.threads",
        "run.workers",
        "run.report_to",
        "run.save_steps",
        "run.keep_checkpoints",
        "run.progress",
    }
)
"""Settings that may change between a run and its resumption: nothing that is learnt follows from them."""

_MARKER = "run.json"
_CONFIG = "config.toml"
_DONE = "done.json"
_WHOLE = "whole.json"


def claim(out: Path) -> None:
    """Take a folder for a run: a new or empty one, or one that was taken before.

    Raises:
        AgentError: If it holds something else, or cannot be written to.
    """
    marker = out / _MARKER
    try:
        if marker.is_file():
            _check_format(marker)
            return
        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            msg = f"{out} is not empty and no output folder of `tool-gym train`: choose another with --out"
            raise AgentError(msg)
        out.mkdir(parents=True, exist_ok=True)
        write_json(marker, {"program": "tool-gym train", "format": FORMAT})
    except OSError as error:
        msg = f"cannot use {out} for a run: {error.strerror}"
        raise AgentError(msg) from None


def check_seeds(out: Path, config: TrainConfig) -> None:
    """Check that all seeds in a folder were begun with a configuration: results are means over all of them.

    Raises:
        AgentError: If one was begun with another, naming the settings that differ.
    """
    for written in sorted(out.glob(f"seed-*/{_CONFIG}")):
        _check_same(written, config)


class SeedFolder:
    """The folder of one seed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.evaluations = path / "evaluations"
        self.base = path / "base"

    def open(self, config: TrainConfig, content: str) -> bool:
        """Take the folder for a configuration and a pack's content; return whether it was begun before.

        Raises:
            AgentError: If it was begun with another configuration or pack, naming the settings that differ.
        """
        written = self.path / _CONFIG
        if written.is_file():
            _check_same(written, config)
            self._check_content(content)
            return True
        self.evaluations.mkdir(parents=True, exist_ok=True)
        write_json(self.path / "pack.json", {"content_hash": content})
        write_whole(written, to_toml(config))
        return False

    def stage(self, name: str) -> StageFolder:
        """Return the folder of a stage."""
        return StageFolder(self.path / name)

    def _check_content(self, content: str) -> None:
        known = read_json(self.path / "pack.json").get("content_hash")
        if known != content:
            msg = f"{self.path} was begun with another content of the pack; choose another folder with --out"
            raise AgentError(msg)


class StageFolder:
    """The folder of a stage, or of a part of one: checkpoints while it runs, then a model and a mark."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.final = path / "final"

    @property
    def is_done(self) -> bool:
        """Whether the stage is finished."""
        return (self.path / _DONE).is_file()

    def finish(self, facts: dict[str, Any]) -> None:
        """Mark the stage as finished and drop what only a resumption would need."""
        write_json(self.path / _DONE, facts)
        for checkpoint in self.path.glob("checkpoint-*"):
            shutil.rmtree(checkpoint, ignore_errors=True)

    def facts(self) -> dict[str, Any]:
        """Return what was noted when the stage was finished."""
        found: dict[str, Any] = read_json(self.path / _DONE)
        return found

    def newest_checkpoint(self, *, clean: bool) -> Path | None:
        """Return the newest checkpoint that is whole.

        Args:
            clean: Whether broken ones are deleted, so that nobody takes them for whole later.
        """
        found = None
        numbered = [path for path in self.path.glob("checkpoint-*") if path.name.rpartition("-")[2].isdigit()]
        for checkpoint in sorted(numbered, key=lambda path: int(path.name.rpartition("-")[2])):
            if is_whole(checkpoint):
                found = checkpoint
            elif clean:
                shutil.rmtree(checkpoint, ignore_errors=True)
        return found


def seal(checkpoint: Path) -> None:
    """Note what a finished checkpoint consists of; `is_whole` compares."""
    sizes = {str(file.relative_to(checkpoint)): file.stat().st_size for file in _files(checkpoint)}
    write_json(checkpoint / _WHOLE, sizes)


def is_whole(checkpoint: Path) -> bool:
    """Return whether a checkpoint was sealed and has every file it had then, in full length."""
    try:
        sizes = json.loads((checkpoint / _WHOLE).read_text(encoding="utf-8"))
        return bool(sizes) and all((checkpoint / name).stat().st_size == size for name, size in sizes.items())
    except (OSError, ValueError, AttributeError):
        return False


def write_json(path: Path, value: Any) -> None:
    """Write a value as JSON, whole or not at all."""
    write_whole(path, json.dumps(value, indent=1, ensure_ascii=False) + "\n")


def read_json(path: Path) -> Any:
    """Read what `write_json` wrote.

    Raises:
        AgentError: If it cannot be read.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        msg = f"cannot read {path}, which this run wrote: {error}"
        raise AgentError(msg) from None


def _files(folder: Path) -> list[Path]:
    return [file for file in sorted(folder.rglob("*")) if file.is_file() and file.name != _WHOLE]


def _check_format(marker: Path) -> None:
    found = read_json(marker)
    version = found.get("format") if isinstance(found, dict) else None
    if version != FORMAT:
        msg = f"{marker.parent} has the layout {version!r}; this release reads and writes layout {FORMAT}"
        raise AgentError(msg)


def _check_same(written: Path, config: TrainConfig) -> None:
    try:
        before = flat(config_of(tomllib.loads(written.read_text(encoding="utf-8"))))
    except (OSError, ValueError, ToolGymError) as error:
        msg = f"{written} is no configuration of this release ({error}); choose another folder with --out"
        raise AgentError(msg) from None
    now = flat(config)
    differ = [key for key in sorted(before.keys() | now.keys()) if key not in FREE and before.get(key) != now.get(key)]
    if differ:
        shown = "; ".join(f"{key} was {before.get(key)!r} and is now {now.get(key)!r}" for key in differ[:4])
        more = f" (and {len(differ) - 4} more)" if len(differ) > 4 else ""
        msg = (
            f"{written.parent} was begun with another configuration: {shown}{more}. "
            "Give the same one to go on, or another folder with --out"
        )
        raise AgentError(msg)
