"""Credential plugins: programs that print an ExecCredential.

Protocol: https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins.
Plugins run here, not in the client library, which hands them our terminal and neither caches nor limits them.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from k3k_core.errors import UnauthorizedError
from k3k_core.host.redaction import redact

API_VERSIONS = ("client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1")


@dataclass(frozen=True, slots=True)
class ExecPlugin:
    """A user entry's `exec` block.

    Attributes:
        user: name of the user entry.
        command: the program; an absolute path or one to look up in PATH.
        arguments: its arguments.
        variables: environment variables on top of ours.
        api_version: the ExecCredential version it speaks.
        interactive_mode: `Never`, `IfAvailable` or `Always`.
        cluster: the cluster information it asked for with `provideClusterInfo`, else None.
        install_hint: what to tell a user who does not have the program.
    """

    user: str
    command: str
    arguments: tuple[str, ...] = field(default=(), repr=False)
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    api_version: str = API_VERSIONS[0]
    interactive_mode: str = "IfAvailable"
    cluster: Mapping[str, Any] | None = field(default=None, repr=False)
    install_hint: str = ""


@dataclass(frozen=True, slots=True)
class ExecCredential:
    """What a plugin answered.

    Attributes:
        token: a bearer token, or "".
        certificate: a client certificate (PEM), or "".
        key: its private key (PEM), or "".
        expires_at: end of life, None when the plugin did not say.
    """

    token: str = field(default="", repr=False)
    certificate: str = field(default="", repr=False)
    key: str = field(default="", repr=False)
    expires_at: datetime | None = None


async def run_plugin(plugin: ExecPlugin, *, timeout: float) -> ExecCredential:
    """Run a plugin without a terminal and return the credential it prints.

    Args:
        plugin: what to run.
        timeout: seconds after which it is killed together with its children.

    Raises:
        UnauthorizedError: there is no such program, it wants a terminal, fails, takes too long or prints
            something else. Its standard output is never shown.
    """
    if plugin.interactive_mode == "Always":
        raise UnauthorizedError(
            f"Credential plugin {plugin.command} of user {plugin.user!r} wants a terminal.",
            hint="Log in with the plugin first, or set its interactiveMode to IfAvailable in the kubeconfig.",
        )
    status, output, complaints = await _run(plugin, timeout)
    if status != 0:
        last = complaints.decode(errors="replace").strip().rpartition("\n")[2]
        raise _failed(plugin, f"exited with {status}" + (f": {redact(last)}" if last else ""))
    return _parse(plugin, output)


async def _run(plugin: ExecPlugin, timeout: float) -> tuple[int, bytes, bytes]:
    try:
        # A session of its own, so that it cannot reach our terminal and can be killed with its children.
        process = await asyncio.create_subprocess_exec(
            plugin.command,
            *plugin.arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, **plugin.variables, "KUBERNETES_EXEC_INFO": _exec_info(plugin)},
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a valid command"
        raise UnauthorizedError(
            f"Credential plugin {plugin.command} of user {plugin.user!r} cannot be started: {reason}.",
            hint=redact(plugin.install_hint) or "Install it or correct the kubeconfig.",
        ) from None
    finished = False
    try:
        async with asyncio.timeout(timeout):
            output, complaints = await process.communicate()
        finished = True
    except TimeoutError:
        raise _failed(plugin, f"did not finish within {timeout:g} s") from None
    finally:
        if not finished:
            # Its children may hold our pipes even when the plugin itself is gone.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    return process.returncode or 0, output, complaints


def _exec_info(plugin: ExecPlugin) -> str:
    spec: dict[str, Any] = {"interactive": False}
    if plugin.cluster is not None:
        spec["cluster"] = plugin.cluster
    return json.dumps({"apiVersion": plugin.api_version, "kind": "ExecCredential", "spec": spec})


def _parse(plugin: ExecPlugin, output: bytes) -> ExecCredential:
    try:
        answer = json.loads(output)
    except ValueError:
        raise _failed(plugin, "did not print JSON") from None
    if not isinstance(answer, dict) or answer.get("kind") != "ExecCredential":
        raise _failed(plugin, "did not print an ExecCredential")
    if answer.get("apiVersion") != plugin.api_version:
        raise _failed(plugin, f"does not speak {plugin.api_version}, which the kubeconfig asks for")
    status = answer.get("status")
    fields = status if isinstance(status, dict) else {}
    token, certificate, key = (
        str(fields.get(name) or "") for name in ("token", "clientCertificateData", "clientKeyData")
    )
    if bool(certificate) != bool(key):
        raise _failed(plugin, "printed a client certificate without its key, or the reverse")
    if not token and not certificate:
        raise _failed(plugin, "printed neither a token nor a client certificate")
    return ExecCredential(token.strip(), certificate, key, _expiry(plugin, fields.get("expirationTimestamp")))


def _expiry(plugin: ExecPlugin, value: object) -> datetime | None:
    if not value:
        return None
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        raise _failed(plugin, "printed an expirationTimestamp that is not RFC 3339") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _failed(plugin: ExecPlugin, what: str) -> UnauthorizedError:
    return UnauthorizedError(
        f"Credential plugin {plugin.command} of user {plugin.user!r} {what}.",
        hint="Run the plugin by hand, or log in again with the tool it belongs to.",
    )
