"""Where settings come from: a preset, a TOML file, single settings; later ones over earlier ones."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from tool_gym.agents.training.config import TrainConfig
from tool_gym.errors import AgentError, ToolGymError, UnknownNameError

UNSET = "unset"
"""Value of a single setting that is to be as if nobody had set it; quoted, it is a text."""

_ENDING = ".toml"
_MOST_SHOWN = 5


def preset_names() -> tuple[str, ...]:
    """Return the names of the presets, sorted."""
    folder = files("tool_gym.agents.training") / "presets"
    return tuple(sorted(file.name.removesuffix(_ENDING) for file in folder.iterdir() if file.name.endswith(_ENDING)))


def preset_text(name: str) -> str:
    """Return a preset as it is written; its first lines say what it is for.

    Raises:
        UnknownNameError: If there is none of that name.
    """
    if name not in preset_names():
        error = UnknownNameError.of("preset", name, preset_names())
        raise error
    return (files("tool_gym.agents.training") / "presets" / f"{name}{_ENDING}").read_text(encoding="utf-8")


def preset_title(name: str) -> str:
    """Return the first line of a preset, which says what it is for."""
    return preset_text(name).partition("\n")[0].lstrip("# ")


def resolve(
    preset: str | None = None,
    file: str | os.PathLike[str] | None = None,
    settings: Sequence[str] = (),
    extra: Mapping[str, Any] | None = None,
) -> TrainConfig:
    """Return the configuration that the sources give, each over the ones before.

    Args:
        preset: Name of a preset.
        file: A TOML file.
        settings: Single settings as "section.key=value", the value in TOML or, failing that, plain text; `UNSET`
            takes back what a preset or file set.
        extra: Further settings by dotted key.

    Raises:
        UnknownNameError: For a preset or key that does not exist.
        AgentError: If a source cannot be read, or a value is not allowed.
    """
    merged: dict[str, Any] = {}
    if preset is not None:
        merged = _merged(merged, _parsed(preset_text(preset), f"the preset {preset}"))
    if file is not None:
        merged = _merged(merged, _read(Path(file)))
    for setting in settings:
        key, value = _split(setting)
        merged = _merged(merged, _nested(key, value))
    for key, value in (extra or {}).items():
        merged = _merged(merged, _nested(key, value))
    return config_of(merged)


def config_of(data: Mapping[str, Any]) -> TrainConfig:
    """Return the configuration that plain data says.

    Raises:
        UnknownNameError: For a key that does not exist, with the nearest that does.
        AgentError: If a value is not allowed.
    """
    _check_keys(data, TrainConfig, "")
    try:
        return TrainConfig.model_validate(data)
    except ValidationError as error:
        raise AgentError(_told(error)) from None
    except UnknownNameError:
        raise
    except ToolGymError as error:
        msg = f"the configuration will not do: {error}"
        raise AgentError(msg) from None


def to_toml(config: TrainConfig) -> str:
    """Return a configuration as TOML that `resolve` reads back; what is unset stands there as a comment."""
    return "\n".join(_lines(config.model_dump(mode="json"), ())) + "\n"


def flat(config: TrainConfig) -> dict[str, Any]:
    """Return every setting by its dotted key."""
    return dict(_flat(config.model_dump(mode="json"), ()))


def _lines(table: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[str]:
    if path:
        yield ""
        yield f"[{'.'.join(path)}]"
    for key, value in table.items():
        if value is None:
            yield f"# {key} is unset"
        elif not isinstance(value, dict):
            yield f"{_key(key)} = {_value(value)}"
        elif not value:
            yield f"{_key(key)} = {{}}"
    for key, value in table.items():
        if isinstance(value, dict) and value:
            yield from _lines(value, (*path, _key(key)))


def _flat(table: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    for key, value in table.items():
        if isinstance(value, dict) and value:
            yield from _flat(value, (*path, key))
        else:
            yield ".".join((*path, key)), None if value == {} else value


def _key(key: str) -> str:
    return key if key.replace("_", "").replace("-", "").isalnum() and key.isascii() else _quoted(key)


def _value(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_key(key)} = {_value(one)}" for key, one in value.items()) + "}"
    if isinstance(value, str):
        return _quoted(value)
    return json.dumps(value)  # numbers and truth values are written alike in both


def _quoted(text: str) -> str:
    """Return a string as TOML has it: as JSON, but every character that may be itself is."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _read(path: Path) -> dict[str, Any]:
    try:
        return _parsed(path.read_text(encoding="utf-8"), str(path))
    except OSError as error:
        msg = f"cannot read the configuration {path}: {error.strerror}"
        raise AgentError(msg) from None
    except UnicodeDecodeError:
        msg = f"cannot read the configuration {path}: it is not UTF-8 text"
        raise AgentError(msg) from None


def _parsed(text: str, what: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        msg = f"{what} is not TOML: {error}"
        raise AgentError(msg) from None


def _split(setting: str) -> tuple[str, Any]:
    key, equals, written = setting.partition("=")
    if not equals or not key.strip():
        msg = f"a setting is written section.key=value, such as grpo.steps=20, not {setting[:80]!r}"
        raise AgentError(msg)
    if written.strip() == UNSET:
        return key.strip(), None
    try:
        return key.strip(), tomllib.loads(f"value = {written}")["value"]
    except tomllib.TOMLDecodeError:
        return key.strip(), written.strip()


def _nested(key: str, value: Any) -> dict[str, Any]:
    for part in reversed(key.split(".")):
        value = {part: value}
    return dict(value)


def _merged(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Return tables laid over each other, key by key; lists are replaced as a whole."""
    found = dict(under)
    for key, value in over.items():
        before = found.get(key)
        found[key] = _merged(before, value) if isinstance(value, dict) and isinstance(before, dict) else value
    return found


def _check_keys(data: Mapping[str, Any], model: type[BaseModel], path: str) -> None:
    for key, value in data.items():
        if key not in model.model_fields:
            where = f"setting of [{path}]" if path else "section or setting"
            error = UnknownNameError.of(where, key, model.model_fields)
            raise error
        kind = _section(model.model_fields[key].annotation)
        if isinstance(value, Mapping) and kind is not None:
            _check_keys(value, kind, f"{path}.{key}" if path else key)


def _section(annotation: Any) -> type[BaseModel] | None:
    """Return the section that a field is, also if it may be unset."""
    kinds = [kind for kind in (annotation, *get_args(annotation)) if isinstance(kind, type)]
    return next((kind for kind in kinds if issubclass(kind, BaseModel)), None)


def _told(error: ValidationError) -> str:
    found = []
    for problem in error.errors(include_url=False)[:_MOST_SHOWN]:
        where = ".".join(str(part) for part in problem["loc"])
        said = problem["msg"].removeprefix("Value error, ")
        given = "" if isinstance(problem["input"], dict | BaseModel) else f", not {problem['input']!r:.80}"
        found.append(f"{where}: {said}{given}" if where else said)
    more = f" (and {error.error_count() - _MOST_SHOWN} more)" if error.error_count() > _MOST_SHOWN else ""
    return f"the configuration will not do: {'; '.join(found)}{more}"
