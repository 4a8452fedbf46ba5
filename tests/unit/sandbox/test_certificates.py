"""Certificate requests: what they may say, who decides on them, and what is issued."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.support.engines import ADMIN_TOKEN, Engine, engine

Json = dict[str, Any]
PATH = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
RBAC = "/apis/rbac.authorization.k8s.io/v1"
CLIENT = "kubernetes.io/kube-apiserver-client"
APPROVED = {"type": "Approved", "status": "True", "reason": "Test"}
DENIED = {"type": "Denied", "status": "True"}
KEY = ec.generate_private_key(ec.SECP256R1())


def pkcs10(*, group: str = "devs", user: str = "jane") -> str:
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, group),
            x509.NameAttribute(NameOID.COMMON_NAME, user),
        ]
    )
    request = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(KEY, hashes.SHA256())
    return base64.b64encode(request.public_bytes(serialization.Encoding.PEM)).decode()


class Requests:
    """The requests of one server."""

    def __init__(self, server: Engine, client: httpx.AsyncClient) -> None:
        self.server = server
        self.client = client

    async def create(self, request: str = "", **spec: Any) -> httpx.Response:
        defaults = {"request": request or pkcs10(), "signerName": CLIENT, "usages": ["client auth"]}
        body = {"metadata": {"name": "x"}, "spec": {**defaults, **spec}}
        return await self.client.post(PATH, json=body)

    async def patch(self, part: str, status: Json, **headers: str) -> httpx.Response:
        answer = await self.client.patch(
            f"{PATH}/x/{part}",
            json={"status": status},
            headers={"content-type": "application/merge-patch+json", **headers},
        )
        await self.server.manager.settled()
        return answer

    async def approve(self, **headers: str) -> httpx.Response:
        return await self.patch("approval", {"conditions": [APPROVED]}, **headers)

    async def status(self) -> Json:
        answer: Json = (await self.client.get(f"{PATH}/x")).json()
        return dict(answer["status"])

    async def certificate(self) -> x509.Certificate:
        return x509.load_pem_x509_certificate(base64.b64decode((await self.status())["certificate"]))

    async def grant(self, user: str, *rules: Json) -> None:
        """Give a user permissions."""
        reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": user}
        role = {"metadata": {"name": user}, "rules": list(rules)}
        binding = {
            "metadata": {"name": user},
            "roleRef": reference,
            "subjects": [{"kind": "User", "name": user}],
        }
        for plural, body in (("clusterroles", role), ("clusterrolebindings", binding)):
            answer = await self.client.post(f"{RBAC}/{plural}", json=body)
            assert answer.status_code == 201, answer.text


@pytest.fixture
async def requests() -> AsyncIterator[Requests]:
    headers = {"authorization": f"Bearer {ADMIN_TOKEN}"}
    async with engine() as server, httpx.AsyncClient(base_url=server.url, headers=headers) as client:
        yield Requests(server, client)


@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        ({"usages": []}, "spec.usages: Required value"),
        ({"usages": ["client auth"] * 2}, 'spec.usages[1]: Duplicate value: "client auth"'),
        (
            {"request": "eA=="},
            'spec.request: Invalid value: "eA==": PEM block type must be CERTIFICATE REQUEST',
        ),
        (
            {"signerName": "kubernetes.io/legacy-unknown"},
            (
                'spec.signerName: Invalid value: "kubernetes.io/legacy-unknown": the legacy signerName is not '
                "allowed via this API version"
            ),
        ),
        (
            {"signerName": "a/b"},
            (
                'spec.signerName: Invalid value: "a": should be a domain with at least two segments separated '
                "by dots"
            ),
        ),
        (
            {"expirationSeconds": 599},
            (
                "spec.expirationSeconds: Invalid value: 599: may not specify a duration less than 600 seconds "
                "(10 minutes)"
            ),
        ),
    ],
)
async def test_a_request_that_nobody_can_sign_is_refused(
    spec: Json, problem: str, requests: Requests
) -> None:
    answer = await requests.create(**spec)

    assert answer.status_code == 422
    assert (
        answer.json()["message"] == f'CertificateSigningRequest.certificates.k8s.io "x" is invalid: {problem}'
    )


async def test_nobody_asks_for_the_group_of_administrators(requests: Requests) -> None:
    answer = await requests.create(pkcs10(group="system:masters"))

    assert answer.status_code == 403
    assert answer.json()["message"].endswith("signer with system:masters group is not allowed")


async def test_a_request_is_not_signed_before_it_is_approved(requests: Requests) -> None:
    await requests.create()
    await requests.server.manager.settled()

    assert await requests.status() == {}


async def test_an_approved_request_gets_the_certificate_it_asks_for(requests: Requests) -> None:
    await requests.create(usages=["client auth", "digital signature"])

    assert (await requests.approve()).status_code == 200

    issued = await requests.certificate()
    subject = {item.rfc4514_attribute_name: item.value for item in issued.subject}
    assert subject == {"O": "devs", "CN": "jane"}
    assert issued.public_key() == KEY.public_key()
    usages = issued.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usages) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    assert issued.extensions.get_extension_for_class(x509.KeyUsage).value.digital_signature
    assert not issued.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


@pytest.mark.parametrize(
    ("asked", "lifetime"),
    [
        (3600, timedelta(hours=1, minutes=5)),
        (24 * 3600, timedelta(days=1)),
        (10 * 365 * 24 * 3600, timedelta(days=365)),
    ],
)
async def test_a_certificate_lives_as_long_as_asked_but_a_year(
    asked: int, lifetime: timedelta, requests: Requests
) -> None:
    await requests.create(expirationSeconds=asked)
    await requests.approve()

    issued = await requests.certificate()

    assert issued.not_valid_after_utc - issued.not_valid_before_utc == lifetime
    assert issued.not_valid_before_utc < datetime.now(UTC)


async def test_a_denied_request_is_not_signed(requests: Requests) -> None:
    await requests.create()

    assert (await requests.patch("approval", {"conditions": [DENIED]})).status_code == 200

    assert "certificate" not in await requests.status()


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"usages": ["server auth"]}, "invalid usage for client certificate: server auth"),
        ({"usages": ["digital signature"]}, "missing required usage for client certificate: client auth"),
        ({"signerName": "kubernetes.io/kubelet-serving"}, "subject organization is not system:nodes"),
    ],
)
async def test_what_a_signer_does_not_sign_fails(spec: Json, message: str, requests: Requests) -> None:
    await requests.create(**spec)

    await requests.approve()

    status = await requests.status()
    _, failed = status["conditions"]
    assert (failed["type"], failed["reason"]) == ("Failed", "SignerValidationFailure")
    assert failed["message"] == message
    assert "certificate" not in status


async def test_a_signer_of_ones_own_signs_through_status(requests: Requests) -> None:
    await requests.create()
    await requests.approve()
    certificate = (await requests.status())["certificate"]
    await requests.client.delete(f"{PATH}/x")
    await requests.create(signerName="example.com/own")
    await requests.approve()
    assert "certificate" not in await requests.status()

    assert (await requests.patch("status", {"certificate": certificate})).status_code == 200

    assert (await requests.status())["certificate"] == certificate
    again = await requests.patch("status", {"certificate": base64.b64encode(b"x").decode()})
    assert again.status_code == 422


async def test_a_decision_is_final_and_has_a_path_of_its_own(requests: Requests) -> None:
    await requests.create()
    elsewhere = await requests.patch("status", {"conditions": [APPROVED]})
    await requests.approve()
    both = await requests.patch("approval", {"conditions": [APPROVED, DENIED]})
    taken_back = await requests.patch("approval", {"conditions": []})

    assert [elsewhere.status_code, both.status_code, taken_back.status_code] == [422] * 3
    assert 'may not add a condition of type "Approved"' in elsewhere.json()["message"]
    assert "mutually exclusive" in both.json()["message"]
    assert 'may not remove a condition of type "Approved"' in taken_back.json()["message"]


async def test_approving_takes_a_permission_for_the_signer(requests: Requests) -> None:
    await requests.create()
    path = {
        "apiGroups": ["certificates.k8s.io"],
        "resources": ["certificatesigningrequests/approval"],
        "verbs": ["patch"],
    }
    signer = {
        "apiGroups": ["certificates.k8s.io"],
        "resources": ["signers"],
        "resourceNames": ["kubernetes.io/*"],
        "verbs": ["approve"],
    }
    await requests.grant("bob", path)
    await requests.grant("alice", path, signer)

    refused = await requests.approve(**{"impersonate-user": "bob"})
    accepted = await requests.approve(**{"impersonate-user": "alice"})

    assert refused.status_code == 403
    assert refused.json()["message"].endswith(
        f'user not permitted to approve requests with signerName "{CLIENT}"'
    )
    assert accepted.status_code == 200
