"""The `restricted` Pod Security Standard, control by control.

Written from https://kubernetes.io/docs/concepts/security/pod-security-standards/ (Baseline and Restricted,
Linux). The project's sandbox has an implementation of its own; this one is for checking what is rendered.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_HOST_NAMESPACES = ("hostNetwork", "hostPID", "hostIPC")
_VOLUME_KINDS = {
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "image",
    "persistentVolumeClaim",
    "projected",
    "secret",
}
_SAFE_SYSCTLS = {
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.ping_group_range",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
}
_SELINUX_TYPES = {"", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"}
_PROFILES = {"RuntimeDefault", "Localhost"}


def violations(template: Mapping[str, Any]) -> list[str]:
    """Return the controls that a pod violates, each with the place.

    Args:
        template: a Pod or a pod template (`metadata` and `spec`).
    """
    spec: Mapping[str, Any] = template["spec"]
    found = list(_pod_controls(template, spec))
    for kind in ("initContainers", "containers", "ephemeralContainers"):
        for container in spec.get(kind, ()):
            found += [f"{container['name']}: {text}" for text in _container_controls(spec, container)]
    return found


def _pod_controls(template: Mapping[str, Any], spec: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"host namespace {name}" for name in _HOST_NAMESPACES if spec.get(name))
    for volume in spec.get("volumes", ()):
        kinds = set(volume) - {"name"}
        if not kinds <= _VOLUME_KINDS:
            yield f"volume {volume['name']} of kind {', '.join(sorted(kinds))}"
    context = spec.get("securityContext", {})
    if context.get("windowsOptions", {}).get("hostProcess"):
        yield "Windows HostProcess"
    yield from (
        f"sysctl {one['name']}" for one in context.get("sysctls", ()) if one["name"] not in _SAFE_SYSCTLS
    )
    annotations = template.get("metadata", {}).get("annotations", {})
    for key, value in annotations.items():
        if key.startswith("container.apparmor.security.beta.kubernetes.io/") and value == "unconfined":
            yield f"AppArmor annotation {key}"
    yield from _context_controls(context)


def _container_controls(spec: Mapping[str, Any], container: Mapping[str, Any]) -> Iterator[str]:
    context, pod = container.get("securityContext", {}), spec.get("securityContext", {})
    capabilities = context.get("capabilities", {})
    if "ALL" not in capabilities.get("drop", ()):
        yield "capabilities are not dropped"
    if not set(capabilities.get("add", ())) <= {"NET_BIND_SERVICE"}:
        yield "capabilities are added"
    if any(port.get("hostPort") for port in container.get("ports", ())):
        yield "host port"
    if not context.get("runAsNonRoot", pod.get("runAsNonRoot", False)):
        yield "may run as root"
    if context.get("seccompProfile", pod.get("seccompProfile", {})).get("type") not in _PROFILES:
        yield "seccomp profile"
    for probe in ("livenessProbe", "readinessProbe", "startupProbe"):
        for action in ("httpGet", "tcpSocket"):
            if container.get(probe, {}).get(action, {}).get("host"):
                yield f"host in {probe}"
    yield from _privilege_controls(context)
    yield from _context_controls(context)


def _privilege_controls(context: Mapping[str, Any]) -> Iterator[str]:
    if context.get("privileged"):
        yield "privileged"
    if context.get("windowsOptions", {}).get("hostProcess"):
        yield "Windows HostProcess"
    if context.get("allowPrivilegeEscalation") is not False:
        yield "privilege escalation"
    if context.get("procMount", "Default") != "Default":
        yield "procMount"


def _context_controls(context: Mapping[str, Any]) -> Iterator[str]:
    if context.get("runAsUser") == 0:
        yield "runs as user 0"
    if context.get("runAsNonRoot") is False:
        yield "may run as root"
    if context.get("seccompProfile", {}).get("type", "RuntimeDefault") not in _PROFILES:
        yield "seccomp profile"
    if context.get("appArmorProfile", {}).get("type", "RuntimeDefault") not in _PROFILES:
        yield "AppArmor profile"
    options = context.get("seLinuxOptions", {})
    if options.get("type", "") not in _SELINUX_TYPES or options.get("user") or options.get("role"):
        yield "SELinux options"
