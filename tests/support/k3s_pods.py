"""Pods of k3s servers in the form that was verified on real servers, for tests of the sandbox."""

from __future__ import annotations

import base64
from datetime import datetime
from functools import cache
from typing import Any

from k3k_core.pki import ControlPlanePki, new_pki
from tests.support.control_loop import START

Json = dict[str, Any]
PROBE_TOKEN = "probetok"

CONFIG = """\
agent-token-file: /etc/k3k/tokens/agent
data-dir: /var/lib/rancher/k3s
disable-agent: true
flannel-backend: none
kube-apiserver-arg:
- token-auth-file=/etc/k3k/tokens/identities.csv
tls-san:
- dev-k3k
- dev-k3k.ns.svc
- 203.0.113.7
token-file: /etc/k3k/tokens/server
"""


@cache
def pki(now: datetime = START) -> ControlPlanePki:
    """The PKI of the test control plane, made once."""
    return new_pki(now)


def secret(name: str, **data: str) -> Json:
    """A Secret with text values; `_` in a key stands for a dot."""
    encoded = {
        key.replace("_", "."): base64.b64encode(value.encode()).decode() for key, value in data.items()
    }
    return {"metadata": {"name": name, "namespace": "ns"}, "data": encoded}


def pki_secret() -> Json:
    """The Secret with the authorities."""
    made = secret("dev-k3k-pki")
    made["data"] = {
        name: base64.b64encode(text.encode()).decode() for name, text in pki().to_secret_data().items()
    }
    return made


def tokens_secret(server: str = "servertoken123") -> Json:
    """The Secret with the join tokens and the token file."""
    identities = f'{PROBE_TOKEN},k3k:probe,probe\nmettok,k3k:monitor,monitor,"system:monitoring"\n'
    return secret("dev-k3k-tokens", server=server, agent="agenttoken123", identities_csv=identities)


def config_map(text: str = CONFIG) -> Json:
    """The ConfigMap with the configuration of k3s."""
    return {"metadata": {"name": "dev-k3k-config", "namespace": "ns"}, "data": {"config.yaml": text}}


def _probe(path: str = "/readyz", token: str = PROBE_TOKEN, **more: Any) -> Json:
    headers = [{"name": "Authorization", "value": f"Bearer {token}"}]
    get = {"path": path, "port": 6443, "scheme": "HTTPS", "httpHeaders": headers}
    return {"httpGet": get, "periodSeconds": 1, **more}


def server_spec(*, data: Json | None = None, probe_token: str = PROBE_TOKEN, **container: Any) -> Json:
    """The spec of a server's pod.

    Args:
        data: the volume of the data directory, without its name; an emptyDir when None.
        probe_token: bearer token of the probes.
        container: changes to the k3s container.
    """
    mounts = {
        "data": "/var/lib/rancher/k3s",
        "cfg": "/etc/k3k/config",
        "tok": "/etc/k3k/tokens",
        "er": "/etc/rancher",
        "tmp": "/tmp",
    }
    k3s = {
        "name": "k3s",
        "image": "rancher/k3s:v1.33.4-k3s1",
        "args": ["server", "--config", "/etc/k3k/config/config.yaml"],
        "startupProbe": _probe(token=probe_token, failureThreshold=300),
        "readinessProbe": _probe(token=probe_token),
        "securityContext": {"readOnlyRootFilesystem": True},
        "volumeMounts": [{"name": name, "mountPath": path} for name, path in mounts.items()],
        **container,
    }
    init = {
        "name": "pki",
        "image": k3s["image"],
        "volumeMounts": [
            {"name": "pki", "mountPath": "/pki"},
            {"name": "data", "mountPath": mounts["data"]},
        ],
    }
    return {
        "initContainers": [init],
        "containers": [k3s],
        "volumes": [
            {"name": "data", **(data or {"emptyDir": {}})},
            {"name": "er", "emptyDir": {}},
            {"name": "tmp", "emptyDir": {}},
            {"name": "cfg", "configMap": {"name": "dev-k3k-config"}},
            {"name": "tok", "secret": {"secretName": "dev-k3k-tokens"}},
            {"name": "pki", "secret": {"secretName": "dev-k3k-pki"}},
        ],
    }


def server_pod(name: str = "dev-0", **spec: Any) -> Json:
    """A pod with one server."""
    return {
        "metadata": {"name": name, "namespace": "ns", "labels": {"app": "dev"}},
        "spec": server_spec(**spec),
        "status": {"phase": "Pending"},
    }
