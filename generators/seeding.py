"""Seeds: one independent stream per stage, from one path of names.

`Random(seed + index)` makes neighbouring seeds share most of their output; here every stream is seeded by the
BLAKE2b hash of its whole path, so streams are independent of each other and of PYTHONHASHSEED, and changing how
one stage draws does not change what another drew.
"""

from __future__ import annotations

import hashlib
import random


def stream(*path: str | int) -> random.Random:
    """Return the random stream of a seed path.

    >>> stream(0, "train", "energy", 3, "world").random() == stream(0, "train", "energy", 3, "world").random()
    True
    """
    joined = "/".join(str(part) for part in path)
    return random.Random(int.from_bytes(hashlib.blake2b(joined.encode(), digest_size=16).digest(), "big"))
