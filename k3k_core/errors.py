"""Every exception a caller of k3k may see.

    K3kError
    ├── UsageError            wrong use                               exit 2
    │   └── ValuesError       a values file with one or more issues   exit 2
    ├── NotFoundError         the named object does not exist         exit 3
    ├── ConflictError         somebody else owns or changed it        exit 4
    ├── NotReadyError         not ready in time                       exit 5
    ├── UnreachableError      no usable answer from the host          exit 6
    ├── ForbiddenError        the host refused this identity          exit 7
    │   └── UnauthorizedError the host does not know this identity    exit 7
    ├── PageError             a metrics page that cannot be used      exit 1
    └── HostError             any other refusal by the host           exit 1

A message says what failed, on which object and why; `hint` says what to do next. Neither ever holds a secret.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


class K3kError(Exception):
    """Base of all errors; `message` is one sentence for a person, `hint` is the next step or empty.

    Args:
        message: what failed, on which object, why.
        hint: what to do next.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return self.message


class UsageError(K3kError):
    """The command or the call was used wrongly."""

    exit_code = 2


@dataclass(frozen=True, slots=True)
class Issue:
    """One thing that is wrong with a values file.

    Attributes:
        path: dotted path of the value, e.g. `k3s.cluster_cidr` or `k3s.tls_sans[1]`; empty for the file.
        problem: what is wrong, without repeating a secret.
        remedy: what would be right.
    """

    path: str
    problem: str
    remedy: str = ""

    def __str__(self) -> str:
        head = f"{self.path}: {self.problem}" if self.path else self.problem
        return f"{head}; {self.remedy}" if self.remedy else head


class ValuesError(UsageError):
    """A values file is not usable; `issues` holds every reason at once.

    Args:
        issues: at least one issue.
        source: where the values came from, for the message (a file name, "standard input").
    """

    def __init__(self, issues: tuple[Issue, ...], *, source: str = "values") -> None:
        lines = "\n".join(f"  {issue}" for issue in issues)
        count = f"{len(issues)} problem" + ("s" if len(issues) != 1 else "")
        super().__init__(f"{source}: {count}\n{lines}", hint="`k3k values --explain` describes every value.")
        self.issues = issues
        self.source = source


class NotFoundError(K3kError):
    """The named object does not exist."""

    exit_code = 3


class ConflictError(K3kError):
    """Somebody else owns a field, changed the object meanwhile, or it already exists with other values.

    Args:
        message: one sentence.
        hint: what to do next.
        managers: names of the field managers that own the contested fields, as the host reports them.
        reason: the host's `reason`, e.g. `AlreadyExists` or `Conflict`; empty when k3k itself found it.
    """

    exit_code = 4

    def __init__(
        self, message: str, *, hint: str = "", managers: tuple[str, ...] = (), reason: str = ""
    ) -> None:
        super().__init__(message, hint=hint)
        self.managers = managers
        self.reason = reason


class NotReadyError(K3kError):
    """A wait ended before what was waited for."""

    exit_code = 5


class UnreachableError(K3kError):
    """No usable answer from the host: refused, timed out, TLS failure, or not a Kubernetes API."""

    exit_code = 6


class ForbiddenError(K3kError):
    """The host knows this identity and refuses it."""

    exit_code = 7


class UnauthorizedError(ForbiddenError):
    """The host does not accept these credentials."""


class PageError(K3kError):
    """A `/metrics` page is malformed, truncated or larger than allowed.

    Args:
        message: one sentence.
        hint: what to do next.
        line: number of the line at fault, counted from 1; 0 when it is not about one line.
    """

    def __init__(self, message: str, *, hint: str = "", line: int = 0) -> None:
        super().__init__(message, hint=hint)
        self.line = line


class HostError(K3kError):
    """Any other refusal by the host.

    Args:
        message: one sentence.
        hint: what to do next.
        status: HTTP status.
        reason: the Status object's reason, e.g. `Invalid`.
    """

    def __init__(self, message: str, *, hint: str = "", status: int = 0, reason: str = "") -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.reason = reason
