"""Bodies in protobuf are read as the objects that kubectl meant. The bodies are what kubectl 1.32 sent."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from k3k_core.sandbox.api.protobuf import decode, fields_of
from k3k_core.sandbox.api.schema import Type, builtin_type
from k3k_core.sandbox.api.statuses import ApiError

# kubectl create configmap settings --from-literal=colour=blue --from-literal=empty=
CONFIG_MAP = (
    "azhzAAoPCgJ2MRIJQ29uZmlnTWFwEjcKGgoIc2V0dGluZ3MSABoCbnMiACoAMgA4AEIAEg4KBmNvbG91chIEYmx1ZRIJCgVlbXB0eRIA"
    "GgAiAA=="
)
# kubectl create secret generic keys --from-literal=a=b
SECRET = "azhzAAoMCgJ2MRIGU2VjcmV0EiIKFgoEa2V5cxIAGgJucyIAKgAyADgAQgASBgoBYRIBYhoAGgAiAA=="
# kubectl create deployment web --image=nginx --replicas=0 --port=80
DEPLOYMENT = (
    "azhzAAoVCgdhcHBzL3YxEgpEZXBsb3ltZW50EroBCiEKA3dlYhIAGgJucyIAKgAyADgAQgBaCgoDYXBwEgN3ZWIShgEIABIMCgoKA2FwcBID"
    "d2ViGmwKHAoAEgAaACIAKgAyADgAQgBaCgoDYXBwEgN3ZWISTBIuCgVuZ2lueBIFbmdpbngqADIKCgAQABhQIgAqAEIAagByAIABAIgBAJAB"
    "AKIBABoAMgBCAEoAUgBYAGAAaACCAQCKAQCaAQDCAQAiAgoAKAA4ABoMCAAQABgAIAAoADgAGgAiAA=="
)
# kubectl create pdb web --selector=app=web --min-available=50%
BUDGET = (
    "azhzAAogCglwb2xpY3kvdjESE1BvZERpc3J1cHRpb25CdWRnZXQSPgoVCgN3ZWISABoCbnMiACoAMgA4AEIAEhkKCQgBEAAaAzUwJRIMCgoK"
    "A2FwcBIDd2ViGgoIABgAIAAoADAAGgAiAA=="
)
# kubectl create quota small --hard=cpu=1500m,pods=3
QUOTA = (
    "azhzAAoTCgJ2MRINUmVzb3VyY2VRdW90YRI6ChcKBXNtYWxsEgAaAm5zIgAqADIAOABCABIdCg4KA2NwdRIHCgUxNTAwbQoLCgRwb2RzEgMK"
    "ATMaABoAIgA="
)
# kubectl create token bot --duration=20m
TOKEN_REQUEST = (
    "azhzAAooChhhdXRoZW50aWNhdGlvbi5rOHMuaW8vdjESDFRva2VuUmVxdWVz"
    "dBIdChAKABIAGgAiACoAMgA4AEIAEgMgsAkaBAoAEgAaACIA"
)


def read(text: str, kind: str) -> dict[str, Any]:
    return decode(base64.b64decode(text), kind)


def envelope(kind: str, message: bytes, api_version: str = "v1") -> bytes:
    def part(number: int, content: bytes) -> bytes:
        return bytes([number << 3 | 2, len(content)]) + content

    head = part(1, api_version.encode()) + part(2, kind.encode())
    return b"k8s\0" + part(1, head) + part(2, message)


def refusal(body: bytes, kind: str) -> ApiError:
    with pytest.raises(ApiError) as caught:
        decode(body, kind)
    return caught.value


def test_a_map_keeps_its_empty_values() -> None:
    assert read(CONFIG_MAP, "ConfigMap") == {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "settings", "namespace": "ns"},
        "data": {"colour": "blue", "empty": ""},
    }


def test_bytes_become_base64() -> None:
    assert read(SECRET, "Secret")["data"] == {"a": "Yg=="}


def test_a_zero_that_was_set_is_told_from_one_that_was_not() -> None:
    spec = read(DEPLOYMENT, "Deployment")["spec"]

    assert spec["replicas"] == 0
    assert "minReadySeconds" not in spec


def test_messages_and_lists_nest() -> None:
    template = read(DEPLOYMENT, "Deployment")["spec"]["template"]

    assert template["metadata"] == {"labels": {"app": "web"}}
    (container,) = template["spec"]["containers"]
    assert (container["name"], container["image"]) == ("nginx", "nginx")
    assert container["ports"] == [{"containerPort": 80}]


def test_a_number_or_string_keeps_its_kind() -> None:
    number = envelope("PodDisruptionBudget", bytes.fromhex("1206" + "0a04" + "08001003"), "policy/v1")

    assert read(BUDGET, "PodDisruptionBudget")["spec"]["minAvailable"] == "50%"
    assert decode(number, "PodDisruptionBudget")["spec"]["minAvailable"] == 3


def test_quantities_are_text() -> None:
    assert read(QUOTA, "ResourceQuota")["spec"]["hard"] == {"cpu": "1500m", "pods": "3"}


def test_large_numbers_take_several_bytes() -> None:
    assert read(TOKEN_REQUEST, "TokenRequest")["spec"]["expirationSeconds"] == 1200


def test_negative_numbers_are_twos_complements() -> None:
    body = envelope("DeleteOptions", b"\x08" + b"\xff" * 9 + b"\x01")

    assert decode(body, "DeleteOptions")["gracePeriodSeconds"] == -1


def test_times_are_written_as_text() -> None:
    # metadata {creationTimestamp {seconds: 1}}
    assert decode(envelope("ConfigMap", bytes.fromhex("0a0442020801")), "ConfigMap")["metadata"] == {
        "creationTimestamp": "1970-01-01T00:00:01Z"
    }


def test_fields_of_an_embedded_message_belong_to_the_one_around_it() -> None:
    # Pod.spec {volumes [{name: "a", -: {emptyDir {}}}]}
    body = envelope("Pod", bytes.fromhex("1209" + "0a07" + "0a0161" + "1202" + "1200"))

    assert decode(body, "Pod")["spec"]["volumes"] == [{"name": "a", "emptyDir": {}}]


def test_unknown_fields_are_passed_over() -> None:
    assert decode(envelope("ConfigMap", bytes.fromhex("fa0701" + "78")), "ConfigMap") == {
        "apiVersion": "v1",
        "kind": "ConfigMap",
    }


def test_another_type_is_left_to_the_caller() -> None:
    assert decode(envelope("Bogus", b"\xff"), "ConfigMap") == {"apiVersion": "v1", "kind": "Bogus"}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "empty data (<empty>)"),
        (
            b"abc",
            "provided data does not appear to be a protobuf message, expected prefix [107 56 115 0] (616263)",
        ),
        (b"k8s\0", "empty body (6b387300)"),
        (b"k8s\0\xff\xff", "unexpected EOF (6b387300ffff)"),
    ],
)
def test_what_is_no_protobuf_is_refused_in_the_servers_words(body: bytes, message: str) -> None:
    error = refusal(body, "ConfigMap")

    assert error.code == 400
    assert str(error) == f"the object provided is unrecognized (must be of type ConfigMap): {message}"


def test_a_damaged_object_is_refused() -> None:
    error = refusal(envelope("ConfigMap", b"\xff\xff"), "ConfigMap")

    expected = 'ConfigMap in version "v1" cannot be handled as a ConfigMap: unexpected EOF'
    assert (error.code, str(error)) == (400, expected)


@pytest.mark.parametrize("body", [b"\x08\x01", b"\x0a\x02\x0a\x05", b"\x0b", b"\x00\x00", b"\xff" * 11])
def test_malformed_messages_never_fail_otherwise(body: bytes) -> None:
    assert refusal(envelope("ConfigMap", body), "ConfigMap").code == 400


@pytest.mark.parametrize("kind", ["CustomResourceDefinition", "ResourceClaim"])
def test_a_kind_without_known_fields_is_an_unsupported_media_type(kind: str) -> None:
    assert refusal(envelope(kind, b""), kind).code == 415


KINDS = [
    ("", "v1", "Pod"),
    ("", "v1", "Service"),
    ("", "v1", "PersistentVolumeClaim"),
    ("apps", "v1", "Deployment"),
    ("apps", "v1", "StatefulSet"),
    ("batch", "v1", "CronJob"),
    ("certificates.k8s.io", "v1", "CertificateSigningRequest"),
    ("networking.k8s.io", "v1", "Ingress"),
    ("policy", "v1", "PodDisruptionBudget"),
    ("rbac.authorization.k8s.io", "v1", "ClusterRole"),
]


def differing(message: str, kind: Type, path: str) -> set[str]:
    """The fields of the table that the type does not have."""
    found: set[str] = set()
    for field in (fields_of(message) or {}).values():
        where = f"{path}.{field.name}"
        if not field.name:
            found |= differing(field.type, kind, path)
            continue
        child = kind.fields.get(field.name)
        if child is None:
            found.add(where)
        elif fields_of(field.type) is not None:
            inner = child.element if field.shape != "one" else child
            found |= differing(field.type, inner, where)
    return found


@pytest.mark.parametrize(("group", "version", "kind"), KINDS, ids=[kind for *_, kind in KINDS])
def test_the_table_names_fields_as_the_types_do(group: str, version: str, kind: str) -> None:
    known = builtin_type(group, version, kind)
    assert known is not None

    assert differing(kind, known, kind) == set()
