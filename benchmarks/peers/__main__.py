"""ADD4 on tool-gym and on every peer that pip installs: one command, one table.

    python -m benchmarks.peers

Each peer has a virtual environment of its own, made at the first run and kept (about 3.6 GiB in all). Each of its paths
plays in turn with ours, so that what slows the machine slows both. A peer that does not install or run is reported with
the reason, and the others go on.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.measuring import Contender, measure
from benchmarks.peers import session
from benchmarks.peers.catalogue import LEFT_OUT, OURS, PEERS, REFERENCE, Peer, PeerError
from benchmarks.peers.session import Session
from benchmarks.peers.table import Row, table
from benchmarks.peers.venvs import CACHE, python_of


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the table, and return 0 if every path played, else 1."""
    options = _options(arguments)
    if options.list:
        for peer in PEERS:
            print(f"{peer.name:12} {' '.join(peer.requirements)}")
        return 0
    chosen = [peer for peer in PEERS if not options.only or peer.name in options.only]
    rows: list[Row] = []
    failures: dict[str, str] = {}
    with session.ours() as own:
        own.paths()
        reference = own.contender(REFERENCE)
        rows += _measured(OURS, own, reference, options.repetitions, failures)
        for peer in chosen:
            try:
                rows += _beside(peer, options, reference, failures)
            except PeerError as error:
                failures[peer.name] = str(error)
            _tell(f"{peer.name}: {failures.get(peer.name, 'done')}")
    print(table(rows, failures, {} if options.only else LEFT_OUT))
    return 1 if failures else 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__.partition("\n")[0])
    names = [peer.name for peer in PEERS]
    parser.add_argument("--only", action="append", choices=names, metavar="NAME", help=f"one of {', '.join(names)}")
    parser.add_argument("--list", action="store_true", help="print the peers and their pinned releases, and stop")
    parser.add_argument("--cache", type=Path, default=CACHE, help="folder of the virtual environments (%(default)s)")
    parser.add_argument("--repetitions", type=int, default=5, help="times each path plays (%(default)s)")
    return parser.parse_args(arguments)


def _beside(peer: Peer, options: argparse.Namespace, reference: Contender, failures: dict[str, str]) -> list[Row]:
    _tell(f"{peer.name}: installing if need be")
    python = python_of(peer, options.cache)
    with session.theirs(peer, python) as theirs:
        theirs.paths()
        return list(_measured(peer, theirs, reference, options.repetitions, failures))


def _measured(
    peer: Peer, played: Session, reference: Contender, repetitions: int, failures: dict[str, str]
) -> Iterator[Row]:
    """Yield a row for each path, measured in turn with ours."""
    for path in peer.paths:
        _tell(f"{peer.name}: {path.name}")
        try:
            both = measure({"ours": reference, "theirs": played.contender(path.name)}, repetitions=repetitions)
        except (PeerError, RuntimeError) as error:
            failures[f"{peer.name}: {path.name}"] = str(error)
            continue
        yield Row(peer.name, path, both["theirs"], both["theirs"].ratio_to(both["ours"]))


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
