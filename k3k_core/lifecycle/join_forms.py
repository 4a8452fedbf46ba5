"""How an agent is told to join: a command line, cloud-init user data, or a systemd unit with its files.

All three install the version of the control plane with k3s' own installer (https://get.k3s.io), or expect its binary.
"""

from __future__ import annotations

import shlex
from typing import Literal

from k3k_core.lifecycle.join import Invitation

Form = Literal["command", "cloud-init", "systemd"]

_TOKEN_FILE = "/etc/rancher/k3s/agent-token"  # noqa: S105 - a path
_CONFIG_FILE = "/etc/rancher/k3s/config.yaml"
_UNIT_FILE = "/etc/systemd/system/k3s-agent.service"
_UNIT = """\
[Unit]
Description=k3s agent
Documentation=https://k3s.io
Wants=network-online.target
After=network-online.target

[Service]
Type=exec
ExecStartPre=-/sbin/modprobe br_netfilter
ExecStartPre=-/sbin/modprobe overlay
ExecStart=/usr/local/bin/k3s agent
KillMode=process
Delegate=yes
LimitNOFILE=1048576
LimitNPROC=infinity
LimitCORE=infinity
TasksMax=infinity
Restart=always
RestartSec=5s

[Install]
WantedBy=multi-user.target
"""


def rendered(invitation: Invitation, form: Form) -> str:
    """Return what makes a machine an agent of the control plane (secret: it holds the token).

    Args:
        invitation: where and with which token to join.
        form: which form.
    """
    return {"command": _command, "cloud-init": _cloud_init, "systemd": _systemd}[form](invitation)


def _command(invitation: Invitation) -> str:
    variables = {
        "INSTALL_K3S_VERSION": invitation.version,
        "K3S_URL": invitation.server,
        "K3S_TOKEN": invitation.token,
    }
    settings = " ".join(f"{name}={shlex.quote(value)}" for name, value in variables.items())
    return f"curl -sfL https://get.k3s.io | {settings} sh -s - agent\n"


def _config(invitation: Invitation) -> str:
    return f'server: "{invitation.server}"\ntoken-file: {_TOKEN_FILE}\n'


def _cloud_init(invitation: Invitation) -> str:
    """The token is in a file of root's own: other than a variable, it is in no process list."""
    import yaml

    install = f"INSTALL_K3S_VERSION={shlex.quote(invitation.version)} INSTALL_K3S_EXEC=agent sh -"
    document = {
        "write_files": [
            _file(_TOKEN_FILE, f"{invitation.token}\n"),
            _file(_CONFIG_FILE, _config(invitation)),
        ],
        "runcmd": [f"curl -sfL https://get.k3s.io | {install}"],
    }
    return "#cloud-config\n" + yaml.safe_dump(document, sort_keys=False, width=10_000)


def _file(path: str, content: str) -> dict[str, str]:
    return {"path": path, "owner": "root:root", "permissions": "0600", "content": content}


def _systemd(invitation: Invitation) -> str:
    """A script that writes the files; the binary of the right version has to be at /usr/local/bin/k3s."""
    version = shlex.quote(invitation.version)
    wrong = f"echo 'k3s {invitation.version} belongs to /usr/local/bin/k3s' >&2"
    parts = [
        "set -eu",
        "umask 077",
        "mkdir -p /etc/rancher/k3s",
        _written(_TOKEN_FILE, f"{invitation.token}\n"),
        _written(_CONFIG_FILE, _config(invitation)),
        _written(_UNIT_FILE, _UNIT),
        f"/usr/local/bin/k3s --version | grep -qF {version} || {wrong}",
        "systemctl daemon-reload",
        "systemctl enable --now k3s-agent.service",
    ]
    return "\n".join(parts) + "\n"


def _written(path: str, content: str) -> str:
    return f"cat > {path} <<'END_OF_FILE'\n{content}END_OF_FILE"
