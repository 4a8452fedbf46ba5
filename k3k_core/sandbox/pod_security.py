"""The Pod Security Standards `baseline` and `restricted`, worded as Kubernetes' own admission words them.

Source of the rules and of the order of checks: https://kubernetes.io/docs/concepts/security/pod-security-standards/.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal

Level = Literal["privileged", "baseline", "restricted"]
PodSpec = Mapping[str, Any]

_BASELINE_CAPABILITIES = frozenset(
    (
        "AUDIT_WRITE",
        "CHOWN",
        "DAC_OVERRIDE",
        "FOWNER",
        "FSETID",
        "KILL",
        "MKNOD",
        "NET_BIND_SERVICE",
        "SETFCAP",
        "SETGID",
        "SETPCAP",
        "SETUID",
        "SYS_CHROOT",
    )
)
_RESTRICTED_VOLUMES = frozenset(
    (
        "configMap",
        "csi",
        "downwardAPI",
        "emptyDir",
        "ephemeral",
        "image",
        "persistentVolumeClaim",
        "projected",
        "secret",
    )
)
_SECCOMP = frozenset(("RuntimeDefault", "Localhost"))


def violations(pod_spec: PodSpec, level: Level = "restricted") -> list[str]:
    """Return what a pod spec violates, one string a check, in the words and order of the real admission.

    Args:
        pod_spec: `spec` of a Pod or of a pod template.
        level: the standard to hold it to.

    Returns:
        e.g. `runAsNonRoot != true (pod or container "k3s" must set securityContext.runAsNonRoot=true)`;
        empty when the spec is admitted.
    """
    found: list[str] = []
    for check in _CHECKS.get(level, ()):
        text = check(pod_spec)
        if text:
            found.append(text)
    return found


def refusal(pod_name: str, pod_spec: PodSpec, level: Level, version: str = "latest") -> str | None:
    """Return the message of the 403 that admission answers, None when the pod is admitted.

    Args:
        pod_name: name of the pod.
        pod_spec: its spec.
        level: value of the namespace label `pod-security.kubernetes.io/enforce`.
        version: value of the label `pod-security.kubernetes.io/enforce-version`.
    """
    found = violations(pod_spec, level)
    if not found:
        return None
    return f'pods "{pod_name}" is forbidden: violates PodSecurity "{level}:{version}": {", ".join(found)}'


def _containers(spec: PodSpec) -> list[Mapping[str, Any]]:
    kinds = ("initContainers", "containers", "ephemeralContainers")
    return [container for kind in kinds for container in spec.get(kind) or ()]


def _context(holder: Mapping[str, Any]) -> Mapping[str, Any]:
    context: Mapping[str, Any] = holder.get("securityContext") or {}
    return context


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _named(singular: str, names: list[str]) -> str:
    return f"{singular}{'' if len(names) == 1 else 's'} {_quoted(names)}"


def _where(spec: PodSpec, bad: Callable[[Mapping[str, Any]], bool]) -> list[str]:
    return [container["name"] for container in _containers(spec) if bad(container)]


def _host_namespaces(spec: PodSpec) -> str:
    used = [f"{key}=true" for key in ("hostNetwork", "hostPID", "hostIPC") if spec.get(key)]
    return f"host namespaces ({', '.join(used)})" if used else ""


def _host_ports(spec: PodSpec) -> str:
    names: list[str] = []
    ports: list[int] = []
    for container in _containers(spec):
        used = [port["hostPort"] for port in container.get("ports") or () if port.get("hostPort")]
        if used:
            names.append(container["name"])
            ports += used
    if not names:
        return ""
    listed = ", ".join(str(port) for port in sorted(set(ports)))
    verb = "uses" if len(names) == 1 else "use"
    noun = "hostPort" if len(set(ports)) == 1 else "hostPorts"
    return f"hostPort ({_named('container', names)} {verb} {noun} {listed})"


def _host_path_volumes(spec: PodSpec) -> str:
    names = [volume["name"] for volume in spec.get("volumes") or () if "hostPath" in volume]
    return f"hostPath volumes ({_named('volume', names)})" if names else ""


def _privileged(spec: PodSpec) -> str:
    names = _where(spec, lambda container: bool(_context(container).get("privileged")))
    if not names:
        return ""
    return f"privileged ({_named('container', names)} must not set securityContext.privileged=true)"


def _baseline_capabilities(spec: PodSpec) -> str:
    names: list[str] = []
    added: set[str] = set()
    for container in _containers(spec):
        extra = set((_context(container).get("capabilities") or {}).get("add") or ()) - _BASELINE_CAPABILITIES
        if extra:
            names.append(container["name"])
            added |= extra
    if not names:
        return ""
    return (
        f"non-default capabilities ({_named('container', names)} must not include {_quoted(sorted(added))} "
        "in securityContext.capabilities.add)"
    )


def _privilege_escalation(spec: PodSpec) -> str:
    names = _where(spec, lambda container: _context(container).get("allowPrivilegeEscalation") is not False)
    if not names:
        return ""
    named = _named("container", names)
    return (
        f"allowPrivilegeEscalation != false ({named} must set securityContext.allowPrivilegeEscalation=false)"
    )


def _restricted_capabilities(spec: PodSpec) -> str:
    undropped: list[str] = []
    adding: list[str] = []
    added: set[str] = set()
    for container in _containers(spec):
        capabilities = _context(container).get("capabilities") or {}
        if "ALL" not in (capabilities.get("drop") or ()):
            undropped.append(container["name"])
        extra = set(capabilities.get("add") or ()) - {"NET_BIND_SERVICE"}
        if extra:
            adding.append(container["name"])
            added |= extra
    details: list[str] = []
    if undropped:
        details.append(f'{_named("container", undropped)} must set securityContext.capabilities.drop=["ALL"]')
    if adding:
        details.append(
            f"{_named('container', adding)} must not include {_quoted(sorted(added))} "
            "in securityContext.capabilities.add"
        )
    return f"unrestricted capabilities ({'; '.join(details)})" if details else ""


def _restricted_volumes(spec: PodSpec) -> str:
    names: list[str] = []
    types: set[str] = set()
    for volume in spec.get("volumes") or ():
        sources = set(volume) - {"name"}
        if sources & _RESTRICTED_VOLUMES:
            continue
        names.append(volume["name"])
        types |= sources or {"unknown"}
    if not names:
        return ""
    verb = "uses" if len(names) == 1 else "use"
    noun = "type" if len(types) == 1 else "types"
    return (
        f"restricted volume types ({_named('volume', names)} {verb} restricted volume {noun} "
        f"{_quoted(sorted(types))})"
    )


def _run_as_non_root(spec: PodSpec) -> str:
    pod = _context(spec).get("runAsNonRoot")
    explicit = _where(spec, lambda container: _context(container).get("runAsNonRoot") is False)
    if pod is False or explicit:
        details = ["pod must not set securityContext.runAsNonRoot=false"] if pod is False else []
        if explicit:
            details.append(f"{_named('container', explicit)} must not set securityContext.runAsNonRoot=false")
        return f"runAsNonRoot != true ({'; '.join(details)})"
    implicit = _where(spec, lambda container: pod is None and _context(container).get("runAsNonRoot") is None)
    if not implicit:
        return ""
    named = _named("pod or container", implicit)
    return f"runAsNonRoot != true ({named} must set securityContext.runAsNonRoot=true)"


def _run_as_user(spec: PodSpec) -> str:
    details = ["pod must not set runAsUser=0"] if _context(spec).get("runAsUser") == 0 else []
    names = _where(spec, lambda container: _context(container).get("runAsUser") == 0)
    if names:
        details.append(f"{_named('container', names)} must not set runAsUser=0")
    return f"runAsUser=0 ({', '.join(details)})" if details else ""


def _profile(holder: Mapping[str, Any]) -> str | None:
    profile: str | None = (_context(holder).get("seccompProfile") or {}).get("type")
    return profile


def _seccomp(spec: PodSpec, *, required: bool) -> str:
    pod = _profile(spec)
    bad = _where(spec, lambda container: _profile(container) not in {None, *_SECCOMP})
    pod_is_bad = pod is not None and pod not in _SECCOMP
    if pod_is_bad or bad:
        details = []
        if pod_is_bad:
            details.append(f'pod must not set securityContext.seccompProfile.type to "{pod}"')
        if bad:
            types = sorted(
                {str(_profile(container)) for container in _containers(spec) if container["name"] in bad}
            )
            named = _named("container", bad)
            details.append(f"{named} must not set securityContext.seccompProfile.type to {_quoted(types)}")
        return f"seccompProfile ({'; '.join(details)})"
    unset = _where(spec, lambda container: required and pod is None and _profile(container) is None)
    if not unset:
        return ""
    either = _named("pod or container", unset)
    return (
        f"seccompProfile ({either} must set securityContext.seccompProfile.type "
        'to "RuntimeDefault" or "Localhost")'
    )


_CHECKS: Mapping[str, tuple[Callable[[PodSpec], str], ...]] = {
    "baseline": (
        _baseline_capabilities,
        _host_namespaces,
        _host_path_volumes,
        _host_ports,
        _privileged,
        lambda spec: _seccomp(spec, required=False),
    ),
    "restricted": (
        _host_namespaces,
        _host_ports,
        _privileged,
        _privilege_escalation,
        _restricted_capabilities,
        _restricted_volumes,
        _run_as_non_root,
        _run_as_user,
        lambda spec: _seccomp(spec, required=True),
    ),
}
