"""Every exception tool-gym raises on purpose.

The model's mistakes are observations (a [`ToolResult`][tool_gym.turns.ToolResult] with an
[`Outcome`][tool_gym.turns.Outcome]); the exceptions below are for the people who run it.

    ToolGymError
    ├── ScenarioError        a scenario, world or tool binding is not what the data model allows
    │   └── VersionError     it was written for another schema version
    ├── PackError            a pack folder is missing, truncated, altered or unsafe
    ├── TrajectoryError      a stored trajectory cannot be read
    ├── UnknownNameError     no pack, scenario, split, policy, reward, dialect … of that name
    ├── NoOracleError        the scenario carries no plan, so it has no oracle
    ├── EpisodeError         the environment was used out of order
    ├── GenerationError      the pipeline could not build what was asked for
    ├── ExportError          a scenario cannot be written in the form asked for
    ├── EndpointError        a model behind an endpoint does not answer, or nothing usable
    ├── BudgetError          a cap in tokens or money would be passed
    └── AgentError           training or a local policy cannot do what was asked
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class ToolGymError(Exception):
    """Raised when tool-gym is used in a way it cannot honour; the base of all others."""


class ScenarioError(ToolGymError, ValueError):
    """Raised when a scenario, world or tool binding breaks the data model."""


class VersionError(ScenarioError):
    """Raised when data was written for a schema version this release does not read."""


class PackError(ToolGymError, ValueError):
    """Raised when a pack folder is missing, truncated, altered or points outside itself."""


class TrajectoryError(ToolGymError, ValueError):
    """Raised when a stored trajectory cannot be read back."""


class UnknownNameError(ToolGymError, LookupError):
    """Raised when a name is looked up that nothing was registered under."""

    @classmethod
    def of(cls, kind: str, name: object, known: Iterable[str]) -> UnknownNameError:
        """Build the error for `name`, suggesting the closest of the `known` names.

        >>> str(UnknownNameError.of("policy", "oracel", ["oracle", "silent"]))
        "no policy named 'oracel'. Did you mean 'oracle'? Known: oracle, silent"
        """
        names = sorted(known)
        close = difflib.get_close_matches(str(name), names, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        shown = ", ".join(names[:12]) + (f", … ({len(names)} in all)" if len(names) > 12 else "")
        return cls(f"no {kind} named {str(name)[:80]!r}.{hint} Known: {shown or 'none'}")


class NoOracleError(ToolGymError, LookupError):
    """Raised when an oracle is asked of a scenario that carries no plan."""


class EpisodeError(ToolGymError, RuntimeError):
    """Raised when an environment is stepped before `reset` or after the episode's end."""


class GenerationError(ToolGymError, RuntimeError):
    """Raised when the pipeline cannot build the scenarios asked for."""


class ExportError(ToolGymError, ValueError):
    """Raised when a scenario cannot be said in the format it is to be exported to."""


class EndpointError(ToolGymError, RuntimeError):
    """Raised when an endpoint is misnamed, does not answer, or answers nothing usable."""


class BudgetError(ToolGymError, RuntimeError):
    """Raised before a cap in tokens or money is passed."""


class AgentError(ToolGymError, RuntimeError):
    """Raised when training, a local policy or an analysis is asked for what it cannot do, or lacks an extra."""
