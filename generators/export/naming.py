"""Names that a format can hold in place of those it cannot, each given once."""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Callable, Collection, Iterable

OPENAI_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""What OpenAI's API accepts as the name of a function."""

_TAKEN = frozenset(dir(builtins)) | {*keyword.kwlist, *keyword.softkwlist}


def python_names(names: Iterable[str], reserved: Collection[str] = ()) -> dict[str, str]:
    """Return an identifier for each name, the name itself where it is one that hides nothing.

    >>> python_names(["get_ship", "ports.list", "from", "ports-list"])
    {'get_ship': 'get_ship', 'ports.list': 'ports_list', 'from': 'from_', 'ports-list': 'ports_list_2'}
    """
    taken = _TAKEN.union(reserved)

    def safe(name: str) -> str:
        text = re.sub(r"\W", "_", name, flags=re.ASCII) or "_"
        text = f"_{text}" if text[0].isdigit() else text
        return f"{text}_" if text in taken else text

    return _distinct(names, safe, lambda name: name.isidentifier() and name.isascii() and name not in taken, taken)


def openai_names(names: Iterable[str]) -> dict[str, str]:
    """Return a name that OpenAI's API accepts for each name, the name itself where it is one.

    >>> openai_names(["ports.list", "get-ship"])
    {'ports.list': 'ports_list', 'get-ship': 'get-ship'}
    """

    def safe(name: str) -> str:
        return re.sub(r"[^A-Za-z0-9_-]", "_", name)[:64] or "_"

    return _distinct(names, safe, lambda name: OPENAI_NAME.fullmatch(name) is not None, ())


def _distinct(
    names: Iterable[str], safe: Callable[[str], str], is_fine: Callable[[str], bool], taken: Collection[str]
) -> dict[str, str]:
    """Give every name one of its own; those that are fine keep theirs, whatever comes before them."""
    order = list(names)
    found = {name: name for name in order if is_fine(name)}
    used = {*found, *taken}
    for name in order:
        if name not in found:
            text = safe(name)
            numbered = (f"{text[: 64 - len(str(n)) - 1]}_{n}" for n in range(2, len(used) + 3))
            found[name] = next(candidate for candidate in (text, *numbered) if candidate not in used)
            used.add(found[name])
    return {name: found[name] for name in order}
