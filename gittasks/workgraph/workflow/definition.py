"""What a workflow is: its steps and their settings, as `.tasks/workflows/<name>.yaml` says them."""

from __future__ import annotations

from gittasks.base.errors import InvalidError
from gittasks.base.records import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from gittasks.workgraph.record import Problem

FOLDER = "workflows"
MAX_BYTES = 1 << 18
MAX_STEPS = 200
# What one matrix may multiply a step to, and a whole workflow.
MAX_VARIANTS = 256
MAX_PLANNED = 500
MAX_RETRIES = 100
MAX_PARALLEL = 256
MAX_SLOT = 1000
DEFAULT_PARALLEL = 8

# What a step does: exactly one of these keys.
RUN = "run"
AGENT = "agent"
MONITOR = "monitor"
KINDS = (RUN, AGENT, MONITOR)


class BadWorkflowError(InvalidError):
    """A workflow breaks its format; `problems` holds every reason found."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__(
            "\n".join(str(problem) for problem in problems),
            hint="docs/workflows.md has the format",
        )
        self.problems = problems


class Step(NamedTuple):
    """One step as it is written.

    `kind` is one of `KINDS` and `work` what stands behind it: a tuple of words or one text for the shell (`run`), a
    name (`agent`), a mapping (`monitor`). `needs` are names of steps. `matrix` maps a name to its values: the step
    stands for one for each combination. `condition` is the text of `if`, empty where there is none.
    `line` is where the step stands in the file.
    """

    name: str
    kind: str
    work: Any
    line: int = 0
    needs: tuple[str, ...] = ()
    matrix: tuple[tuple[str, tuple[str, ...]], ...] = ()
    condition: str = ""
    retries: int = 0
    backoff_s: float = 0.0
    timeout_s: float | None = None
    slots: Mapping[str, int] = {}
    cwd: str | None = None
    host: str | None = None
    prompt: str | None = None
    may_fail: bool = False
    env: Mapping[str, str] = {}


class Workflow(NamedTuple):
    """A whole workflow. `inputs` maps a name to its default, `None` where the caller must give one.

    `steps` stand in the order of the file; what they need is there, and no step waits for itself.
    """

    name: str
    steps: tuple[Step, ...]
    description: str = ""
    parallel: int = DEFAULT_PARALLEL
    inputs: Mapping[str, str | None] = {}
    env: Mapping[str, str] = {}


class Planned(NamedTuple):
    """One step for one combination of its matrix, with all values filled in.

    `key` names it in the plan: `test`, or `test(os=linux, python=3.12)`. `needs` are names of steps; all of a
    step's variants must have ended. `mark` is a hash of all that decides what it does, also of what it needs: two
    plans that give a step one mark would do the same.
    """

    key: str
    step: Step
    work: Any
    matrix: Mapping[str, str]
    env: Mapping[str, str]
    cwd: str | None = None
    prompt: str | None = None
    mark: str = ""


class Plan(NamedTuple):
    """What a start of a workflow will do: its steps, each behind all that it needs, and the inputs it was given."""

    workflow: Workflow
    inputs: Mapping[str, str]
    steps: tuple[Planned, ...]

    def variants(self, name: str) -> list[Planned]:
        """The planned steps that the step called `name` stands for."""
        return [planned for planned in self.steps if planned.step.name == name]
