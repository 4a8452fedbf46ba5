"""The node object of the sandbox."""

from __future__ import annotations

from typing import Any

NODE_NAME = "sandbox-node"
_SIZE = {"cpu": "512", "memory": "2Ti", "pods": "5000", "ephemeral-storage": "8Ti"}


def node_manifest(address: str) -> dict[str, Any]:
    """Return the node before it reported anything.

    Args:
        address: its IP address.
    """
    return {
        "metadata": {
            "name": NODE_NAME,
            "labels": {
                "kubernetes.io/arch": "amd64",
                "kubernetes.io/hostname": NODE_NAME,
                "kubernetes.io/os": "linux",
                "topology.kubernetes.io/zone": "sandbox-a",
            },
            "annotations": {
                "k3k.ayedo.de/simulated": "true",
                "k3k.ayedo.de/address": address,
            },
        },
        "spec": {},
    }


def node_status(address: str, version: str, now: str) -> dict[str, Any]:
    """Return what the kubelet reports.

    Args:
        address: IP address of the node.
        version: Kubernetes version, e.g. "v1.36.2".
        now: time of the API.
    """
    checks = [
        ("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
        ("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
        ("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
        ("Ready", "True", "KubeletReady", "the k3k sandbox simulates this node"),
    ]
    return {
        "addresses": [
            {"type": "InternalIP", "address": address},
            {"type": "Hostname", "address": NODE_NAME},
        ],
        "capacity": dict(_SIZE),
        "allocatable": dict(_SIZE),
        "conditions": [
            {
                "type": kind,
                "status": status,
                "lastHeartbeatTime": now,
                "lastTransitionTime": now,
                "reason": reason,
                "message": message,
            }
            for kind, status, reason, message in checks
        ],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
        "nodeInfo": {
            "machineID": "",
            "systemUUID": "",
            "bootID": "",
            "kernelVersion": "simulated",
            "osImage": "k3k sandbox (simulated)",
            "containerRuntimeVersion": "k3k-sandbox://simulated",
            "kubeletVersion": version,
            "kubeProxyVersion": version,
            "operatingSystem": "linux",
            "architecture": "amd64",
        },
    }
