"""The verbs of the `k3k` command as data, so that help and completion import none of their modules."""

from __future__ import annotations

from dataclasses import dataclass

PROGRAM = "k3k"
COMPLETE_VARIABLE = "_K3K_COMPLETE"


@dataclass(frozen=True, slots=True)
class Verb:
    """One verb.

    Attributes:
        name: as typed.
        section: heading it is listed under in `k3k --help`.
        summary: one line, shown in `k3k --help` and at the top of the verb's own help.
        module: module under `k3k_core.cli.verbs` that defines `command`; with a dot in it, its full name.
    """

    name: str
    section: str
    summary: str
    module: str


_CONTROL_PLANES = "Control planes"
_MONITORING = "Monitoring"
_FILES = "Values and manifests"
_HOSTS = "Hosts"
_OTHER = "Other"

VERBS: dict[str, Verb] = {
    verb.name: verb
    for verb in (
        Verb(
            "tui", _CONTROL_PLANES, "Open the fleet dashboard; `k3k` alone does too.", "k3k_tui.commands.tui"
        ),
        Verb("serve", _CONTROL_PLANES, "Serve the fleet dashboard to browsers.", "k3k_tui.commands.serve"),
        Verb("create", _CONTROL_PLANES, "Create a control plane from a values file.", "create"),
        Verb("upgrade", _CONTROL_PLANES, "Change the version or the values of control planes.", "upgrade"),
        Verb(
            "rollback", _CONTROL_PLANES, "Go back to an earlier revision, or out of an upgrade.", "rollback"
        ),
        Verb("restart", _CONTROL_PLANES, "Restart the servers of a control plane, one by one.", "restart"),
        Verb("pause", _CONTROL_PLANES, "Stop the servers of control planes and keep all else.", "pause"),
        Verb("resume", _CONTROL_PLANES, "Bring paused control planes back.", "resume"),
        Verb("ttl", _CONTROL_PLANES, "Show or change when a control plane ends.", "ttl"),
        Verb("protect", _CONTROL_PLANES, "Have delete and prune refuse control planes.", "protect"),
        Verb("delete", _CONTROL_PLANES, "Delete a control plane and what belongs to it.", "delete"),
        Verb("prune", _CONTROL_PLANES, "Delete control planes whose time to live is over.", "prune"),
        Verb("list", _CONTROL_PLANES, "List the control planes of one or more hosts.", "list"),
        Verb("describe", _CONTROL_PLANES, "Show everything about one control plane.", "describe"),
        Verb("metrics", _CONTROL_PLANES, "Show what is measured of one control plane.", "metrics"),
        Verb("doctor", _CONTROL_PLANES, "Explain the state of a control plane, and what to do.", "doctor"),
        Verb("logs", _CONTROL_PLANES, "Show what the servers of a control plane write.", "logs"),
        Verb("history", _CONTROL_PLANES, "Show the revisions of a control plane.", "history"),
        Verb("diff", _CONTROL_PLANES, "Show what a values file would change.", "diff"),
        Verb("kubeconfig", _CONTROL_PLANES, "Print a kubeconfig for a control plane.", "kubeconfig"),
        Verb("rotate", _CONTROL_PLANES, "Exchange tokens, certificates or authorities.", "rotate"),
        Verb("certificates", _CONTROL_PLANES, "List certificates and when they end.", "certificates"),
        Verb("join", _CONTROL_PLANES, "Print how an agent joins a control plane.", "join"),
        Verb("agents", _CONTROL_PLANES, "List the nodes of a control plane.", "agents"),
        Verb("connect", _CONTROL_PLANES, "Reach a control plane through its host.", "connect"),
        Verb("etcd", _CONTROL_PLANES, "Look after the dedicated etcd of a control plane.", "etcd"),
        Verb(
            "migrate", _CONTROL_PLANES, "Move what is stored from sqlite to an etcd or a database.", "migrate"
        ),
        Verb("backup", _CONTROL_PLANES, "Take backups of control planes, and restore them.", "backup"),
        Verb("exporter", _MONITORING, "Serve the signals of a fleet to Prometheus.", "exporter"),
        Verb("alerts", _MONITORING, "Print alert and recording rules for Prometheus.", "alerts"),
        Verb("dashboard", _MONITORING, "Print a Grafana dashboard.", "dashboard"),
        Verb("values", _FILES, "Explain, check and print values.", "values"),
        Verb("render", _FILES, "Print the manifests of a control plane, for GitOps.", "render"),
        Verb("hosts", _HOSTS, "List the hosts your kubeconfig knows.", "hosts"),
        Verb("sandbox", _HOSTS, "Run the embedded host, to try and test without a cluster.", "sandbox"),
        Verb("demo", _HOSTS, "Provision a fleet on an embedded host and show it.", "k3k_tui.commands.demo"),
        Verb("version", _OTHER, "Print the version of k3k, and of a host.", "version"),
        Verb("completion", _OTHER, "Print a completion script for your shell.", "completion"),
    )
}

# What `k3k` alone does for a person at a terminal.
WITHOUT_VERB = "tui"

# Verbs that other messages may already name; the release that brings them is not this one.
PLANNED = frozenset(
    [
        "exec",
    ]
)


def sections() -> dict[str, list[Verb]]:
    """Return the verbs by section, both in the order of the table."""
    grouped: dict[str, list[Verb]] = {}
    for verb in VERBS.values():
        grouped.setdefault(verb.section, []).append(verb)
    return grouped
