"""One virtual environment a peer, kept in a folder and made only when it is missing or its pins have changed."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.peers.catalogue import Peer, PeerError

CACHE = Path.home() / ".cache" / "tool-gym" / "peers"
"""Where the environments are kept unless another folder is given."""

INSTALL_SECONDS = 1800
"""Longest an installation may take."""


def python_of(peer: Peer, cache: Path) -> Path:
    """Return the interpreter of a peer's environment, which is made if need be.

    Args:
        peer: The peer.
        cache: The folder that holds the environments.

    Raises:
        PeerError: If there is no fitting Python, or the installation fails.
    """
    python, marker, wanted = _places(peer, cache)
    if not python.is_file() or not _says(marker, wanted):
        shutil.rmtree(marker.parent, ignore_errors=True)
        _run([interpreter(peer), "-m", "venv", str(marker.parent)])
        dependencies = () if peer.with_dependencies else ("--no-deps",)
        pip = [str(python), "-m", "pip", "install", "-q", "--no-input", "--disable-pip-version-check"]
        _run([*pip, *dependencies, *peer.requirements])
        marker.write_text(wanted, encoding="utf-8")
    return python


def installed(peer: Peer, cache: Path) -> Path | None:
    """Return the interpreter of a peer's environment if it stands ready, else None."""
    python, marker, wanted = _places(peer, cache)
    return python if python.is_file() and _says(marker, wanted) else None


def interpreter(peer: Peer) -> str:
    """Return a Python the peer runs on: this one if it fits, else one on the path.

    Raises:
        PeerError: If there is none.
    """
    if peer.python <= sys.version_info[:2] < peer.before:
        return sys.executable
    for minor in range(peer.python[1], peer.before[1]):
        found = shutil.which(f"python3.{minor}")
        if found and _runs(found):
            return found
    msg = f"needs Python 3.{peer.python[1]} to 3.{peer.before[1] - 1}; the path has none that runs"
    raise PeerError(msg)


def last_line(text: str) -> str:
    """Return the last line of a log that says something, of 160 characters at most."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:160] if lines else "it said nothing"


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """End a process that leads its group, with all it has started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _places(peer: Peer, cache: Path) -> tuple[Path, Path, str]:
    """Return the interpreter, the file written once all is installed, and what it then says."""
    folder = cache.absolute() / peer.adapter
    return folder / "bin" / "python", folder / "installed.json", json.dumps(peer.requirements)


def _says(marker: Path, wanted: str) -> bool:
    return marker.is_file() and marker.read_text(encoding="utf-8") == wanted


def _runs(python: str) -> bool:
    """Return whether it is an interpreter: a version manager puts names on the path that lead nowhere."""
    try:
        done = subprocess.run([python, "-c", ""], capture_output=True, timeout=30, check=False)  # noqa: S603 - Python
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def _run(command: Sequence[str]) -> None:
    with subprocess.Popen(  # noqa: S603 - Python and pip
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
    ) as process:
        try:
            said, _ = process.communicate(timeout=INSTALL_SECONDS)
        except subprocess.TimeoutExpired:
            kill_group(process)
            msg = f"installing took more than {INSTALL_SECONDS} s"
            raise PeerError(msg) from None
    if process.returncode:
        msg = f"not installed: {last_line(said.decode(errors='replace'))}"
        raise PeerError(msg)
