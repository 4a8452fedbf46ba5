"""What a verb would do: made first, shown by `--dry-run`, then carried out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from k3k_core.errors import ConflictError, Issue
from k3k_core.names import ControlPlaneId


@dataclass(frozen=True, slots=True)
class Plan:
    """What a verb would do to one control plane.

    Attributes:
        id: the control plane.
        verb: the verb, as on the command line.
        summary: one sentence.
        steps: what will happen, in order, one sentence each; empty when there is nothing to do.
        problems: why it is refused, each with what to do instead.
        warnings: what to know before it goes on.
        facts: figures and names of it, stable keys in camelCase; never a secret.
        loses_data: whether something that is stored is lost for good.
    """

    id: ControlPlaneId
    verb: str
    summary: str
    steps: tuple[str, ...] = ()
    problems: tuple[Issue, ...] = ()
    warnings: tuple[Issue, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    loses_data: bool = False

    @property
    def nothing_to_do(self) -> bool:
        """Whether the control plane is as asked for already."""
        return not self.steps and not self.problems

    def refuse(self) -> None:
        """See that the verb may go on.

        Raises:
            ConflictError: it may not; the message holds every reason and what to do instead.
        """
        if self.problems:
            lines = "\n".join(f"  {problem}" for problem in self.problems)
            raise ConflictError(
                f"`k3k {self.verb}` cannot be done to control plane {self.id}; nothing was changed\n{lines}",
                hint=f"`k3k {self.verb} {self.id.name} -n {self.id.namespace} --dry-run` shows what it would do.",
            )

    def to_dict(self) -> dict[str, Any]:
        """Return the stable machine-readable form (`--dry-run -o json`)."""
        return {
            "namespace": self.id.namespace,
            "name": self.id.name,
            "verb": self.verb,
            "summary": self.summary,
            "steps": list(self.steps),
            "losesData": self.loses_data,
            "problems": [_issue(each) for each in self.problems],
            "warnings": [_issue(each) for each in self.warnings],
            **self.facts,
        }


def _issue(issue: Issue) -> dict[str, str]:
    return {"path": issue.path, "problem": issue.problem, "remedy": issue.remedy}
