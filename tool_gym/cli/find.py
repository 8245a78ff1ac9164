"""Finding what a command line names: scenarios by id, prefix or file; names in lists; places to write to."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tool_gym.errors import PackError, ScenarioError, ToolGymError, UnknownNameError

if TYPE_CHECKING:
    from tool_gym.envs.pack import Entry, Pack, Task
    from tool_gym.scenario import Scenario


def names_of(values: Iterable[str]) -> list[str]:
    """Return the names of a repeatable, comma-separated option, each once; raises `ToolGymError` for blanks.

    >>> names_of(["oracle,greedy", "oracle"])
    ['oracle', 'greedy']
    """
    given = list(values)
    names = list(dict.fromkeys(name.strip() for value in given for name in value.split(",") if name.strip()))
    if given and not names:
        msg = "an option that takes names was given none"
        raise ToolGymError(msg)
    return names


def entries_of(pack: Pack, split: str | None) -> Sequence[Entry]:
    """Return the scenarios of a split; of all for None and "all".

    Raises:
        UnknownNameError: If there is none.
    """
    if split in (None, "all"):
        return pack.entries()
    found = pack.entries(split)
    if not found:
        error = UnknownNameError.of("split", split, {entry.split for entry in pack.entries()} | {"all"})
        raise error
    return found


def entry_of(pack: Pack, prefix: str) -> Entry:
    """Return the one scenario whose id begins with `prefix`.

    Raises:
        UnknownNameError: If there is none, or more than one.
    """
    found = [entry for entry in pack.entries() if entry.id.startswith(prefix)]
    exact = [entry for entry in found if entry.id == prefix]
    if len(exact or found) == 1:
        return (exact or found)[0]
    if not found:
        error = UnknownNameError.of("scenario", prefix, (entry.id for entry in pack.entries()))
        raise error
    msg = (
        f"{len(found)} scenarios begin with {prefix!r}: {', '.join(entry.id for entry in found[:4])}, …; say more of it"
    )
    raise UnknownNameError(msg)


def is_file_name(name: str) -> bool:
    """Return whether a scenario is named by a file rather than by an id."""
    return os.sep in name or name.endswith(".json") or Path(name).is_file()


def read_scenario(path: Path) -> Scenario:
    """Read a JSON file of one scenario; its id is taken as it stands.

    Raises:
        ScenarioError: If it is none, or cannot be read.
    """
    from tool_gym.scenario import Scenario

    try:
        return Scenario.from_json(path.read_bytes(), check_id=False)
    except OSError as error:
        msg = f"cannot read {path}: {error.strerror}"
        raise ScenarioError(msg) from None
    except ScenarioError as error:
        msg = f"{path}: {error}"
        raise type(error)(msg) from None


def task_of(scenario: Scenario) -> Task:
    """Return a scenario that stands alone, with its world.

    Raises:
        ScenarioError: If it refers to a world it does not carry.
    """
    from tool_gym.envs.pack import Task

    if scenario.world is None:
        msg = (
            f"scenario {scenario.id} refers to the world {scenario.world_ref!r} of a pack; a file must carry its world "
            "(tool-gym show --json writes such files)"
        )
        raise ScenarioError(msg)
    return Task(scenario, scenario.world)


def task_named(name: str, pack_name: str) -> tuple[Task, str]:
    """Return the scenario that a command names, and where it was found.

    Args:
        name: An id of the pack, or as much of its beginning as is unique; or a JSON file.
        pack_name: The pack's name or folder.
    """
    from tool_gym.envs.pack import open_pack

    if is_file_name(name):
        return task_of(read_scenario(Path(name))), f"file {name}"
    pack = open_pack(pack_name)
    entry = entry_of(pack, name)
    return pack.task(entry.id), f"pack {pack.name}, split {entry.split}"


def check_new_file(path: Path) -> Path:
    """Return where a file is to be written, links followed, once it is sure that it can be.

    Raises:
        ToolGymError: If it cannot.
    """
    target = path.resolve()
    if target.exists() and not target.is_file():
        msg = f"cannot write {path}: it is {'a folder' if target.is_dir() else 'no regular file'}"
        raise ToolGymError(msg)
    check_writable(target.parent)
    return target


def check_new_folder(path: Path, *, overwrite: bool) -> Path:
    """Return where a pack is to be written, once it is sure that it can be.

    Raises:
        PackError: If there is something already, and it is not to be or must not be replaced.
    """
    target = path.resolve()
    if target.exists():
        if not (target / "card.json").is_file():
            msg = f"{path} already exists and is no pack, so it is left alone"
            raise PackError(msg)
        if not overwrite:
            msg = f"{path} already exists; pass --overwrite to replace it"
            raise PackError(msg)
    check_writable(target.parent)
    return target


def check_writable(folder: Path) -> None:
    """Raise `ToolGymError` unless files can be made in a folder."""
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        msg = f"cannot write into {folder}: {error.strerror}"
        raise ToolGymError(msg) from None
