"""Environment ids: the default suite, one per pack, one per scenario.

ToolUse-v0                         the default suite
ToolUse/<pack>-v0                  a pack
ToolUse/<pack>.<scenario>-v0       a scenario
"""

from __future__ import annotations

import os

import gymnasium
from gymnasium.envs.registration import EnvSpec

from tool_gym import jsonio

ENTRY_POINT = "tool_gym.envs.env:ToolUseEnv"
VECTOR_ENTRY_POINT = "tool_gym.envs.vector:ToolUseVectorEnv"
DEFAULT_PACK = "everyday"
MAX_SCENARIO_IDS = 3000
"""Packs with more scenarios get scenario ids only through `register_pack`."""


def register_bundled() -> None:
    """Register the bundled packs; done when tool_gym is imported."""
    from tool_gym.envs.bundled import bundled_packs

    specs: dict[str, EnvSpec] = {}
    for name, folder in bundled_packs().items():
        ids = _scenario_ids(folder / "index.json")
        _add(specs, name, name, ids if len(ids) <= MAX_SCENARIO_IDS else [])
    if DEFAULT_PACK in bundled_packs():
        specs["ToolUse-v0"] = _spec("ToolUse-v0", DEFAULT_PACK)
    for env_id, spec in specs.items():
        gymnasium.registry.setdefault(env_id, spec)


def register_pack(folder: str | os.PathLike[str]) -> list[str]:
    """Register a pack folder and each of its scenarios under their own ids.

    Args:
        folder: The pack; its environments open it from there.

    Returns:
        The ids, the pack's own first.

    Raises:
        PackError: If the folder is no sound pack, or has the name of a pack that ships with tool-gym.
    """
    from tool_gym.envs.bundled import bundled_packs
    from tool_gym.envs.pack import FolderPack
    from tool_gym.errors import PackError

    pack = FolderPack(folder)
    if bundled_packs().get(pack.name, pack.folder.resolve()) != pack.folder.resolve():
        msg = f"a pack named {pack.name!r} ships with tool-gym; {folder} needs another id to be registered"
        raise PackError(msg)
    specs: dict[str, EnvSpec] = {}
    _add(specs, pack.name, str(pack.folder.resolve()), [entry.id for entry in pack.entries()])
    gymnasium.registry.update(specs)
    return list(specs)


def _add(specs: dict[str, EnvSpec], name: str, pack: str, scenarios: list[str]) -> None:
    specs[f"ToolUse/{name}-v0"] = _spec(f"ToolUse/{name}-v0", pack)
    for scenario in scenarios:
        env_id = f"ToolUse/{name}.{scenario}-v0"
        specs[env_id] = _spec(env_id, pack, scenario)


def _spec(env_id: str, pack: str, scenario: str | None = None) -> EnvSpec:
    kwargs = {"pack": pack} if scenario is None else {"pack": pack, "scenario": scenario}
    return EnvSpec(id=env_id, entry_point=ENTRY_POINT, vector_entry_point=VECTOR_ENTRY_POINT, kwargs=kwargs)


def _scenario_ids(index: os.PathLike[str]) -> list[str]:
    try:
        with open(index, encoding="utf-8") as file:  # noqa: PTH123 - a PathLike
            return [entry[0] for entry in jsonio.loads(file.read())["entries"]]
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        return []  # opening the pack says what is wrong with it
