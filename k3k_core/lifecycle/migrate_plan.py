"""What a move to another datastore is to be: what is asked for, what stands against it, and its steps.

Nothing is changed here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from k3k_core.errors import Issue
from k3k_core.host import HostApi
from k3k_core.lifecycle.claim import refuse_applied, settled, stored_values
from k3k_core.lifecycle.existing import find_root
from k3k_core.lifecycle.migration import BACK, RETURNED, VERB, old_claim
from k3k_core.lifecycle.operation import Operation, operation_of, refuse_other_operation
from k3k_core.lifecycle.pause import paused_problem
from k3k_core.lifecycle.plan import Plan
from k3k_core.manifests import secret_data, stored_revision
from k3k_core.manifests import stored_values as values_text
from k3k_core.manifests.database_clients import engine_of
from k3k_core.names import ControlPlaneId
from k3k_core.resources import SECRET
from k3k_core.values import Values, load_values

Target = Literal["etcd", "external"]


@dataclass(frozen=True, slots=True)
class MigrateRequest:
    """Where to move a control plane's data.

    Attributes:
        id: the control plane.
        to: the kind of datastore.
        members: of the etcd.
        secret: the Secret with the DSN of the external database.
        assignments: `path=value` texts for the other values of the datastore.
        timeout: seconds for all of it.
    """

    id: ControlPlaneId
    to: Target
    members: int = 1
    secret: str = ""
    assignments: tuple[str, ...] = ()
    timeout: float = 1800.0

    @property
    def command(self) -> str:
        """The command that goes on with it, without the program's name."""
        where = f" --secret {self.secret}" if self.secret else ""
        return f"migrate {self.id.name} -n {self.id.namespace} --to {self.to}{where}"


async def plan_migration(host: HostApi, request: MigrateRequest) -> Plan:
    """Return what a move would do.

    Args:
        host: an open host.
        request: where to.

    Returns:
        Its steps and what stands against it; empty when the data is there already.

    Raises:
        NotFoundError: the control plane does not exist.
        ConflictError: another operation is under way.
        ValuesError: the values it would have are not usable.
    """
    identity = request.id
    root = await find_root(host, identity)
    refuse_other_operation(identity, root, VERB)
    refuse_applied(identity, root)
    stored, operation = stored_values(root).values, operation_of(root)
    facts = {"to": request.to, "revision": stored_revision(root)}
    if operation is not None:
        problems = tuple(_other_way(request, operation))
        summary = f"goes on moving its data to {operation.facts.get('to')} ({operation.phase})"
        return Plan(identity, VERB, summary, _steps(request, stored), problems, facts=facts)
    if stored.datastore.kind == request.to:
        return Plan(identity, VERB, f"its data is in {request.to} already", facts=facts)
    wanted = wanted_values(request, values_text(root), stored)
    problems = (*_problems(identity, stored), *await _target_problems(host, request, wanted))
    if issue := paused_problem(identity, root):
        problems = (*problems, issue)
    return Plan(
        identity,
        VERB,
        f"moves its data from {stored.datastore.kind} to {request.to}",
        () if problems else _steps(request, wanted),
        problems,
        warnings=tuple(_warnings(request)),
        facts=facts,
    )


def wanted_values(request: MigrateRequest, text: str, stored: Values) -> Values:
    """Return the values a control plane is to have after its move.

    Args:
        request: where to.
        text: the values it has, as they were written.
        stored: the same, read.

    Returns:
        Those values, with the datastore that is asked for.

    Raises:
        ValuesError: they are not usable.
    """
    overrides = [f"datastore.kind={request.to}"]
    if request.to == "etcd":
        overrides.append(f"datastore.etcd.members={request.members}")
    elif request.secret:
        overrides.append(f"datastore.external.secret_name={request.secret}")
    source = f"The values of {request.id} with what is asked for"
    asked = load_values(text, source=source, overrides=[*overrides, *request.assignments])
    return settled(stored, replace(asked, warnings=()))


def _other_way(request: MigrateRequest, operation: Operation) -> Iterable[Issue]:
    if operation.phase in {BACK, RETURNED}:
        yield Issue("", "it is being taken back to sqlite", f"`k3k {operation.command}` goes on with that")
    elif operation.facts.get("to") != request.to:
        yield Issue(
            "", f"its data is being moved to {operation.facts.get('to')}", f"`k3k {operation.command}`"
        )


def _problems(identity: ControlPlaneId, stored: Values) -> tuple[Issue, ...]:
    if stored.datastore.kind != "sqlite":
        return (
            Issue(
                "datastore.kind",
                f"is {stored.datastore.kind}: only what is in sqlite can be moved",
                "take a backup and restore it where it is to be",
            ),
        )
    if not stored.persistence.enabled:
        return (
            Issue(
                "persistence.enabled",
                "is false: the data goes with its pod, and there is no volume to copy it from",
                f"`k3k backup create {identity.name} -n {identity.namespace}` copies it from the running server",
            ),
        )
    return ()


async def _target_problems(host: HostApi, request: MigrateRequest, wanted: Values) -> tuple[Issue, ...]:
    if request.to == "etcd":
        return ()
    name = wanted.datastore.external.secret_name
    if not name:
        return (Issue("--secret", "is needed", "name the Secret with the DSN under the key `endpoint`"),)
    secret = secret_data(await host.get(SECRET, request.id.namespace, name))
    endpoint = secret.get("endpoint", "").strip()
    if not endpoint:
        return (
            Issue("--secret", f"names {name}, which holds no DSN", "put it there under the key `endpoint`"),
        )
    if engine_of(endpoint) == "etcd":
        return (
            Issue(
                "--secret",
                "leads to an etcd that k3k does not run, and cannot fill",
                "use --to etcd, or a database",
            ),
        )
    return ()


def _warnings(request: MigrateRequest) -> Iterable[Issue]:
    yield Issue(
        "",
        "the API does not answer while the data is copied, and what watches it lists anew",
        "choose a quiet time",
    )
    if request.to == "external":
        yield Issue("", "what the database holds of k3s is replaced", "give it a database of its own")


def _steps(request: MigrateRequest, wanted: Values) -> tuple[str, ...]:
    identity = request.id
    members = wanted.datastore.etcd.members
    target = f"an etcd of {members} member{'s' if members != 1 else ''}"
    if request.to == "external":
        target = f"the database of Secret {wanted.datastore.external.secret_name}"
    confirm = f"`k3k migrate {identity.name} -n {identity.namespace} --confirm`"
    recorded = "Record the new values, and that the data is being moved."
    first = (recorded, f"Start {target} beside the server, and wait until it works.")
    if request.to == "external":
        first = (f"Prove that {target} can be used and is empty.", recorded)
    return (
        *first,
        f"Stop {identity.server}-0: the API does not answer from here on.",
        f"Copy the database from volume {old_claim(identity)} into {target}, with its revisions.",
        "Read it back and compare numbers and digests of all kinds of object.",
        "Start the server on it and wait until it is ready.",
        f"Keep {old_claim(identity)} and the old values for --back, until {confirm}.",
    )
