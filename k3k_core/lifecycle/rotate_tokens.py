"""Exchanging the tokens of a control plane: of servers, of agents, of probes and metrics scrapers.

The server token is more than a password: with it k3s encrypts what the servers share in the datastore, so k3s itself
has to be told (`PUT /v1-k3s/token`, as `k3s token rotate` does) before any server starts with another one. What is
stored first is the new tokens beside the old ones, so that none is lost whatever dies half-way. Facts and phases are
in docs/credentials.md.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from k3k_core import manifests
from k3k_core.errors import ConflictError, Issue, K3kError, NotReadyError
from k3k_core.host import HostApi
from k3k_core.lifecycle.agent_pods import renew_agents
from k3k_core.lifecycle.operation import Operation, advance, begin, finish
from k3k_core.lifecycle.plan import Plan
from k3k_core.lifecycle.progress import Progress, Step, silent
from k3k_core.lifecycle.rotating import (
    Clock,
    Rotated,
    RotationStart,
    look_at,
    restart_servers,
    restart_step,
)
from k3k_core.lifecycle.supervisor import Supervisor, basic, open_supervisor, running_servers
from k3k_core.names import ControlPlaneId
from k3k_core.pki import Tokens, new_tokens
from k3k_core.pki.tokens import AGENT_KEY, IDENTITIES_KEY, SERVER_KEY
from k3k_core.resources import SECRET
from k3k_core.versions import K3sVersion

VERB = "rotate tokens"
SERVER, AGENT, IDENTITIES = "server", "agent", "identities"
ALL = (SERVER, AGENT, IDENTITIES)
_KEYS = {SERVER: SERVER_KEY, AGENT: AGENT_KEY, IDENTITIES: IDENTITIES_KEY}
_NEXT = "-next"
_WORDS = {
    SERVER: "the server token",
    AGENT: "the agent token",
    IDENTITIES: "the tokens of probes and metrics scrapers",
}
# The first minor version whose releases all know `PUT /v1-k3s/token`.
_SINCE_MINOR = 28
_DIFFERENT_TOKEN = "encrypted with different token"  # noqa: S105 - what k3s writes into its log
_PREPARE, _SWITCH, _RESTART, _SAVE = "prepare", "switch", "restart", "save"


async def plan_rotate_tokens(host: HostApi, identity: ControlPlaneId, what: tuple[str, ...] = ALL) -> Plan:
    """Return what exchanging tokens would do.

    Args:
        host: an open host.
        identity: the control plane.
        what: which tokens, of `ALL`.

    Raises:
        NotFoundError: the control plane does not exist.
        ConflictError: it is not ours to change, or another operation is under way.
    """
    start = await look_at(host, identity, VERB, tells_k3s=SERVER in what or AGENT in what)
    words = _words(what)
    return Plan(
        id=identity,
        verb=VERB,
        summary=f"exchange {' and '.join(words)}",
        steps=_steps(start, what),
        problems=(*start.problems, *_too_old(start, what)),
        warnings=_warnings(what),
        facts={"tokens": list(what), "resumes": start.resumes},
        loses_data=start.loses_data,
    )


async def rotate_tokens(
    host: HostApi,
    identity: ControlPlaneId,
    what: tuple[str, ...] = ALL,
    progress: Progress = silent,
    *,
    timeout: float = 600.0,
) -> Rotated:
    """Exchange tokens, or go on with an exchange that was stopped.

    Args:
        host: an open host.
        identity: the control plane.
        what: which tokens, of `ALL`; those of an exchange under way are exchanged in any case.
        progress: told about each step.
        timeout: seconds for the whole exchange.

    Returns:
        What was exchanged.

    Raises:
        NotFoundError: the control plane does not exist.
        ConflictError: it cannot be done now; nothing was changed.
        NotReadyError: a server does not become ready in time, or none answers; the same command goes on.
    """
    clock = Clock(time.monotonic(), timeout)
    start = await look_at(host, identity, VERB, tells_k3s=SERVER in what or AGENT in what)
    _plan_of(start, identity, what).refuse()
    operation, _ = await begin(
        host, identity, Operation(VERB, _PREPARE, {"what": ",".join(what)}, _command(identity, what))
    )
    what = tuple(operation.facts["what"].split(","))
    if operation.phase == _PREPARE:
        await _prepare(host, identity, what)
        operation = await advance(host, identity, operation, _SWITCH)
        progress(Step("prepare", "done", "the new tokens are stored beside the old ones", _secret(identity)))
    if operation.phase == _SWITCH:
        await _switch(host, identity, start.blueprint.pki.server_ca.cert_pem, progress)
        operation = await advance(host, identity, operation, _RESTART)
        progress(Step("switch", "done", f"exchanged {' and '.join(_words(what))}", _secret(identity)))
    tokens = await _stored(host, identity)
    if operation.phase == _RESTART:
        blueprint = replace(start.blueprint, tokens=tokens)
        await restart_servers(host, blueprint, VERB, clock, progress)
        if AGENT in what:
            await renew_agents(host, blueprint, progress, verb=VERB, timeout=clock.left())
        operation = await advance(host, identity, operation, _SAVE)
    if {SERVER, AGENT} & set(what):
        await _save(host, identity, start.blueprint.pki.server_ca.cert_pem, tokens.server)
        progress(Step("save", "done", "k3s keeps the new tokens in its datastore"))
    await finish(host, identity)
    return Rotated(identity, tuple(_words(what)), changed=True, elapsed=clock.elapsed(), advice=_advice(what))


def _plan_of(start: RotationStart, identity: ControlPlaneId, what: tuple[str, ...]) -> Plan:
    problems = (*start.problems, *_too_old(start, what))
    return Plan(identity, VERB, "exchange tokens", problems=problems)


async def _prepare(host: HostApi, identity: ControlPlaneId, what: tuple[str, ...]) -> None:
    """Store the new tokens beside the old ones, unless that has been done."""
    data = manifests.secret_data(await host.get(SECRET, identity.namespace, identity.tokens))
    made = new_tokens().to_secret_data()
    wanted = {_KEYS[each] + _NEXT: made[_KEYS[each]] for each in what}
    missing = {key: text for key, text in wanted.items() if not data.get(key)}
    if missing:
        await _patch(host, identity, missing)


async def _switch(host: HostApi, identity: ControlPlaneId, authority: str, progress: Progress) -> None:
    """Have k3s take the new server token, then make all new tokens the stored ones, in one request."""
    data = manifests.secret_data(await host.get(SECRET, identity.namespace, identity.tokens))
    waiting = {key.removesuffix(_NEXT): text for key, text in data.items() if key.endswith(_NEXT)}
    if not waiting:
        return
    if SERVER_KEY in waiting:
        await _tell_k3s(host, identity, authority, data[SERVER_KEY], waiting[SERVER_KEY], progress)
    await _patch(host, identity, {**waiting, **{f"{key}{_NEXT}": None for key in waiting}})


async def _tell_k3s(
    host: HostApi, identity: ControlPlaneId, authority: str, old: str, new: str, progress: Progress
) -> None:
    """Have one server encrypt anew what the servers share; told twice, it does no harm.

    Raises:
        ConflictError: k3s refuses.
        NotReadyError: no server answers.
    """
    for pod in await running_servers(host, identity):
        name = str(pod["metadata"]["name"])
        try:
            async with open_supervisor(host, identity, pod=name, authority_pem=authority) as supervisor:
                if await _accepts(supervisor, new):
                    return
                if await _accepts(supervisor, old):
                    await _put(supervisor, identity, old, new)
                    return
        except K3kError as error:
            if isinstance(error, ConflictError):
                raise
            progress(Step("switch", "warning", f"{name}: {error.message}", f"Pod/{name}"))
    if await _starts_in_vain(host, identity):
        # Only a token that is not the stored one can be the reason: the exchange was made, its answer lost.
        return
    raise NotReadyError(
        f"no server of control plane {identity} answers, so its server token cannot be exchanged now",
        hint=f"The new tokens are stored; `k3k {_command(identity, ALL)}` goes on when a server runs.",
    )


async def _accepts(supervisor: Supervisor, token: str) -> bool:
    reply = await supervisor.ask("GET", "/v1-k3s/encrypt/status", authorization=basic("server", token))
    return not reply.refused


async def _put(supervisor: Supervisor, identity: ControlPlaneId, current: str, token: str) -> None:
    body = json.dumps({"newToken": token}).encode()
    reply = await supervisor.ask(
        "PUT",
        "/v1-k3s/token",
        authorization=basic("server", current),
        body=body,
        content_type="application/json",
    )
    if reply.status != 200:
        raise ConflictError(
            f"server {supervisor.pod} of control plane {identity} refuses another server token "
            f"(status {reply.status}); the old one stays",
            hint=f"`k3k logs {identity.name} -n {identity.namespace}` shows why.",
        )


async def _starts_in_vain(host: HostApi, identity: ControlPlaneId) -> bool:
    """Tell whether a server ends at its start because the datastore is encrypted with another token."""
    for pod in await running_servers(host, identity):
        name = str(pod["metadata"]["name"])
        for previous in (False, True):
            try:
                lines = host.logs(identity.namespace, name, container="k3s", tail=50, previous=previous)
                async for line in lines:
                    if _DIFFERENT_TOKEN in line:
                        return True
            except K3kError:
                continue
    return False


async def _save(host: HostApi, identity: ControlPlaneId, authority: str, token: str) -> None:
    """Have k3s store its file of passwords, which every change of a token makes anew.

    Left out, the next start of a server that kept its files ends with "newer than datastore"
    (https://github.com/k3s-io/k3s/issues/8066). The server that started last has the newest file.
    """
    pods = await running_servers(host, identity)
    if not pods:
        raise NotReadyError(
            f"control plane {identity} has no running server",
            hint=f"`k3k {_command(identity, ALL)}` goes on when one runs.",
        )
    last = max(pods, key=lambda pod: (pod.get("status", {}).get("startTime") or "", pod["metadata"]["name"]))
    name = str(last["metadata"]["name"])
    async with open_supervisor(host, identity, pod=name, authority_pem=authority) as supervisor:
        await _put(supervisor, identity, token, token)


async def _stored(host: HostApi, identity: ControlPlaneId) -> Tokens:
    return Tokens.from_secret_data(
        manifests.secret_data(await host.get(SECRET, identity.namespace, identity.tokens))
    )


async def _patch(host: HostApi, identity: ControlPlaneId, data: Mapping[str, str | None]) -> dict[str, Any]:
    encoded = {
        key: base64.b64encode(text.encode()).decode("ascii") if text is not None else None
        for key, text in data.items()
    }
    return await host.patch(SECRET, identity.namespace, identity.tokens, {"data": encoded})


def _too_old(start: RotationStart, what: tuple[str, ...]) -> tuple[Issue, ...]:
    version = K3sVersion.parse(start.blueprint.values.version)
    if version.minor >= _SINCE_MINOR or not {SERVER, AGENT} & set(what):
        return ()
    return (
        Issue(
            "version",
            f"k3s {version} cannot exchange its tokens",
            f"upgrade to v1.{_SINCE_MINOR} or newer first",
        ),
    )


def _steps(start: RotationStart, what: tuple[str, ...]) -> tuple[str, ...]:
    steps = ["Store the new tokens beside the old ones."]
    if SERVER in what:
        steps.append("Have k3s encrypt with the new server token what its servers share in the datastore.")
    steps += [f"Make {' and '.join(_words(what))} the new ones.", restart_step(start.blueprint)]
    if {SERVER, AGENT} & set(what):
        steps.append("Have k3s keep the new tokens in its datastore.")
    return tuple(steps)


def _warnings(what: tuple[str, ...]) -> tuple[Issue, ...]:
    return tuple(Issue("", text, "") for text in _advice(what))


def _advice(what: tuple[str, ...]) -> tuple[str, ...]:
    found = []
    if AGENT in what:
        found.append(
            "agents that have joined go on with their certificates; give those that were installed with the agent "
            "token the new one before it is needed again (a lost disk, a new machine)"
        )
    if SERVER in what:
        found.append("backups taken before need the old server token, which each of them holds")
    return tuple(found)


def _words(what: tuple[str, ...]) -> list[str]:
    return [_WORDS[each] for each in ALL if each in what]


def _command(identity: ControlPlaneId, what: tuple[str, ...]) -> str:
    only = "" if set(what) == set(ALL) else "".join(f" --only {each}" for each in what)
    return f"rotate tokens {identity.name} -n {identity.namespace}{only} --yes"


def _secret(identity: ControlPlaneId) -> str:
    return f"Secret/{identity.tokens}"
