"""What kubectl creates through its typed clients, which send protobuf, arrives as it was meant."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from k3k_core.sandbox import Sandbox, SandboxOptions
from k3k_core.sandbox.api.certificates import CSR
from tests.support.programs import KUBECTL, Finished, run

pytestmark = pytest.mark.skipif(KUBECTL is None, reason="kubectl is not installed")

Json = dict[str, Any]


@dataclass(slots=True)
class Kubectl:
    """kubectl on a fresh server."""

    server: Sandbox
    kubeconfig: Path

    async def __call__(self, *arguments: str) -> Finished:
        """Run it as the administrator."""
        return await run(
            "kubectl",
            "--namespace=default",
            *arguments,
            kubeconfig=self.kubeconfig,
            env={"HOME": str(self.kubeconfig.parent)},
        )

    def stored(self, plural: str, name: str) -> Json:
        """Return an object that was created."""
        resource = next(item.resource for item in self.server.api.registry if item.resource.plural == plural)
        found = self.server.store.get(resource, "default" if resource.namespaced else None, name)
        assert found is not None
        return found


@pytest.fixture
async def kubectl(tmp_path: Path) -> AsyncIterator[Kubectl]:
    async with Sandbox.start(SandboxOptions(bare=True)) as server:
        (tmp_path / "config").write_text(server.kubeconfig)
        yield Kubectl(server, tmp_path / "config")


def contains(found: Any, wanted: Any) -> bool:
    """Whether a stored value has everything that was asked for."""
    if isinstance(wanted, Mapping):
        return isinstance(found, Mapping) and all(
            key in found and contains(found[key], value) for key, value in wanted.items()
        )
    if isinstance(wanted, list):
        return isinstance(found, list) and len(found) == len(wanted) and all(map(contains, found, wanted))
    return bool(found == wanted)


CONTAINER: Json = {"name": "nginx", "image": "nginx"}
CREATED: list[tuple[str, str, str, Json]] = [
    ("namespace shop", "namespaces", "shop", {"status": {"phase": "Active"}}),
    (
        "configmap c --from-literal=a=b --from-literal=empty=",
        "configmaps",
        "c",
        {"data": {"a": "b", "empty": ""}},
    ),
    ("secret generic s --from-literal=a=b", "secrets", "s", {"data": {"a": "Yg=="}, "type": "Opaque"}),
    (
        "secret docker-registry d --docker-server=r --docker-username=u --docker-password=p",
        "secrets",
        "d",
        {"type": "kubernetes.io/dockerconfigjson"},
    ),
    ("serviceaccount bot", "serviceaccounts", "bot", {}),
    (
        "service clusterip a --tcp=80:8080",
        "services",
        "a",
        {"spec": {"selector": {"app": "a"}, "ports": [{"name": "80-8080", "port": 80, "targetPort": 8080}]}},
    ),
    ("service nodeport n --tcp=80 --node-port=30080", "services", "n", {"spec": {"type": "NodePort"}}),
    ("service loadbalancer l --tcp=80", "services", "l", {"spec": {"type": "LoadBalancer"}}),
    (
        "service externalname e --external-name=a.example",
        "services",
        "e",
        {"spec": {"type": "ExternalName", "externalName": "a.example"}},
    ),
    (
        "deployment d --image=nginx --replicas=0 --port=80",
        "deployments",
        "d",
        {
            "spec": {
                "replicas": 0,
                "selector": {"matchLabels": {"app": "d"}},
                "template": {"spec": {"containers": [{**CONTAINER, "ports": [{"containerPort": 80}]}]}},
            }
        },
    ),
    (
        "job j --image=nginx -- sleep 1",
        "jobs",
        "j",
        {
            "spec": {
                "template": {"spec": {"restartPolicy": "Never", "containers": [{"command": ["sleep", "1"]}]}}
            }
        },
    ),
    (
        "cronjob t --image=nginx --schedule=@hourly",
        "cronjobs",
        "t",
        {"spec": {"schedule": "@hourly", "jobTemplate": {"spec": {}}}},
    ),
    (
        "role r --verb=get,list --resource=pods,deployments.apps",
        "roles",
        "r",
        {
            "rules": [
                {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]},
                {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get", "list"]},
            ]
        },
    ),
    (
        "clusterrole p --verb=get --non-resource-url=/metrics",
        "clusterroles",
        "p",
        {"rules": [{"nonResourceURLs": ["/metrics"], "verbs": ["get"]}]},
    ),
    (
        "rolebinding b --role=r --user=jane --serviceaccount=default:bot",
        "rolebindings",
        "b",
        {
            "roleRef": {"kind": "Role", "name": "r"},
            "subjects": [
                {"kind": "User", "name": "jane"},
                {"kind": "ServiceAccount", "name": "bot", "namespace": "default"},
            ],
        },
    ),
    (
        "clusterrolebinding b --clusterrole=view --group=devs",
        "clusterrolebindings",
        "b",
        {"roleRef": {"name": "view"}, "subjects": [{"kind": "Group", "name": "devs"}]},
    ),
    (
        "quota q --hard=cpu=1500m,pods=3",
        "resourcequotas",
        "q",
        {"spec": {"hard": {"cpu": "1500m", "pods": "3"}}},
    ),
    (
        "poddisruptionbudget m --selector=a=b --min-available=50%",
        "poddisruptionbudgets",
        "m",
        {"spec": {"minAvailable": "50%", "selector": {"matchLabels": {"a": "b"}}}},
    ),
    (
        "poddisruptionbudget x --selector=a=b --max-unavailable=1",
        "poddisruptionbudgets",
        "x",
        {"spec": {"maxUnavailable": 1}},
    ),
    (
        "priorityclass low --value=0 --preemption-policy=Never",
        "priorityclasses",
        "low",
        {"value": 0, "preemptionPolicy": "Never"},
    ),
    (
        "ingress i --class=c --rule=a.example/x*=svc:80,tls=cert",
        "ingresses",
        "i",
        {
            "spec": {
                "ingressClassName": "c",
                "tls": [{"hosts": ["a.example"], "secretName": "cert"}],
                "rules": [{"host": "a.example", "http": {"paths": [{"path": "/x", "pathType": "Prefix"}]}}],
            }
        },
    ),
]


@pytest.mark.parametrize(
    ("command", "plural", "name", "expected"), CREATED, ids=[command for command, *_ in CREATED]
)
async def test_kubectl_creates(
    command: str, plural: str, name: str, expected: Json, kubectl: Kubectl
) -> None:
    finished = await kubectl("create", *command.split())

    assert "created" in finished.checked().out
    stored = kubectl.stored(plural, name)
    assert contains(stored, expected), stored


async def test_what_was_not_set_is_nobodys(kubectl: Kubectl) -> None:
    (await kubectl("create", "deployment", "d", "--image=nginx")).checked()

    entries = kubectl.stored("deployments", "d")["metadata"]["managedFields"]
    (entry,) = (item for item in entries if item["manager"] == "kubectl-create")
    assert "f:replicas" in entry["fieldsV1"]["f:spec"]
    assert "f:minReadySeconds" not in entry["fieldsV1"]["f:spec"]


async def test_kubectl_asks_for_tokens_and_permissions(kubectl: Kubectl) -> None:
    (await kubectl("create", "serviceaccount", "bot")).checked()

    assert (await kubectl("create", "token", "bot", "--duration=20m")).checked().out.count(".") == 2
    assert (await kubectl("auth", "can-i", "list", "pods")).checked().out == "yes\n"
    assert (await kubectl("auth", "can-i", "list", "pods", "--as=jane")).out == "no\n"
    assert "admin" in (await kubectl("auth", "whoami")).checked().out


async def test_an_approved_certificate_request_is_signed(kubectl: Kubectl, tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "jane")])
    request = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    text = base64.b64encode(request.public_bytes(serialization.Encoding.PEM)).decode()
    manifest = tmp_path / "request.yaml"
    manifest.write_text(
        "apiVersion: certificates.k8s.io/v1\nkind: CertificateSigningRequest\nmetadata: {name: jane}\n"
        "spec:\n  signerName: kubernetes.io/kube-apiserver-client\n  usages: [client auth]\n"
        f"  expirationSeconds: 3600\n  request: {text}\n"
    )
    (await kubectl("create", "-f", str(manifest))).checked()

    assert "approved" in (await kubectl("certificate", "approve", "jane")).checked().out

    await kubectl.server.manager.settled()
    stored = kubectl.server.store.get(CSR, None, "jane")
    assert stored is not None
    issued = x509.load_pem_x509_certificate(base64.b64decode(stored["status"]["certificate"]))
    assert issued.subject == subject
    assert issued.public_key() == key.public_key()
    assert (issued.not_valid_after_utc - issued.not_valid_before_utc).total_seconds() == 3600 + 300
