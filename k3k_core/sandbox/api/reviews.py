"""Objects that are answered and not kept: access reviews, token reviews and token requests."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from k3k_core.resources import POD, SECRET, Resource
from k3k_core.sandbox.api import managedfields
from k3k_core.sandbox.api.authn import AUDIENCE, ServiceAccountTokens, User
from k3k_core.sandbox.api.bodies import parse_body
from k3k_core.sandbox.api.call_options import write_options
from k3k_core.sandbox.api.calls import Answer
from k3k_core.sandbox.api.decoding import canonical
from k3k_core.sandbox.api.objects import clone, timestamp
from k3k_core.sandbox.api.operations import Operations
from k3k_core.sandbox.api.rbac import Attributes, Authorizer, Decision, RbacAuthorizer
from k3k_core.sandbox.api.registry import Definition
from k3k_core.sandbox.api.schema import DEDUCED, Type, builtin_type
from k3k_core.sandbox.api.statuses import (
    ApiError,
    FieldError,
    bad_request,
    conflict,
    go_value,
    invalid,
    invalid_value,
    not_found,
    status,
    unknown_resource,
)
from k3k_core.sandbox.api.writes import Options
from k3k_core.sandbox.api.zero_values import empty_object

Json = dict[str, Any]

# What a token can be bound to.
_BOUND = {
    "Node": Resource("", "v1", "nodes", "Node", namespaced=False),
    "Pod": POD,
    "Secret": SECRET,
}


class Reviews:
    """Answers reviews.

    Args:
        operations: for objects that subresources change.
        authorizer: decides access reviews.
        accounts: makes and checks service-account tokens.
    """

    def __init__(
        self, operations: Operations, authorizer: Authorizer, accounts: ServiceAccountTokens | None
    ) -> None:
        self._operations = operations
        self._authorizer = authorizer
        self._accounts = accounts

    def create(self, call: Any, definition: Definition, obj: Json, options: Options) -> Json:
        """Answer a review object."""
        kind = definition.resource.kind
        if kind == "SelfSubjectRulesReview":
            # The answer is a new object.
            return self._rules(call.user, obj)
        self._track(definition, obj, options)
        if kind == "SelfSubjectReview":
            obj["metadata"] = {"creationTimestamp": timestamp(self._operations.store.now())}
            obj["status"] = {"userInfo": call.user.info()}
            return obj
        if kind == "TokenReview":
            return self._token_review(obj)
        if kind == "SelfSubjectAccessReview":
            return self._access(obj, call.user)
        if kind in {"SubjectAccessReview", "LocalSubjectAccessReview"}:
            spec = obj.get("spec") or {}
            extra = {key: tuple(values) for key, values in (spec.get("extra") or {}).items()}
            _check_subject(obj, call.info.namespace)
            return self._access(
                obj, User(spec.get("user", ""), tuple(spec.get("groups") or ()), spec.get("uid", ""), extra)
            )
        raise unknown_resource()

    def _track(self, definition: Definition, obj: Json, options: Options) -> None:
        kind = self._operations.objects.type_of(definition)
        writer = self._operations.writer(definition, options)
        managedfields.update(kind, empty_object(definition.resource.kind), obj, writer)

    def _access(self, obj: Json, user: User) -> Json:
        spec = obj.get("spec") or {}
        wanted, path = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
        if wanted is not None and path is not None:
            raise _invalid_review(
                _bad_path(path, "cannot be specified in combination with resourceAttributes")
            )
        if wanted is None and path is None:
            text = "exactly one of nonResourceAttributes or resourceAttributes must be specified"
            raise _invalid_review(invalid_value("spec.resourceAttributes", None, text))
        wanted = wanted or {}
        if path is not None:
            attributes = Attributes(path.get("verb", ""), path=path.get("path", ""))
        else:
            attributes = Attributes(
                wanted.get("verb", ""),
                wanted.get("group", ""),
                wanted.get("resource", ""),
                wanted.get("subresource", ""),
                wanted.get("namespace", ""),
                wanted.get("name", ""),
            )
        decision: Decision = self._authorizer.authorize(user, attributes)
        obj["status"] = {"allowed": decision.allowed}
        if decision.reason:
            obj["status"]["reason"] = decision.reason
        return obj

    def _rules(self, user: User, obj: Json) -> Json:
        namespace = (obj.get("spec") or {}).get("namespace", "")
        if not namespace:
            raise bad_request("no namespace on request")
        rules: list[Json] = []
        if isinstance(self._authorizer, RbacAuthorizer):
            rules = self._authorizer.rules_for(user, namespace)
        status = {
            "resourceRules": [clone(rule) for rule in rules if rule.get("resources")],
            "nonResourceRules": [clone(rule) for rule in rules if rule.get("nonResourceURLs")],
            "incomplete": False,
        }
        head = {"kind": obj["kind"], "apiVersion": obj["apiVersion"]}
        return {**head, "metadata": {}, "spec": {}, "status": status}

    def _token_review(self, obj: Json) -> Json:
        spec = obj.get("spec") or {}
        if not spec.get("token"):
            raise bad_request("token is required for TokenReview in authentication")
        audiences, accounts = tuple(spec.get("audiences") or ()), self._accounts
        user = accounts.verify(spec["token"], audiences) if accounts else None
        if user is not None:
            status: Json = {
                "authenticated": True,
                "user": user.info(),
                "audiences": list(audiences or (AUDIENCE,)),
            }
        else:
            error = "invalid bearer token"
            if audiences and accounts and accounts.verify(spec["token"]) is not None:
                own, asked = _quoted_list((AUDIENCE,)), _quoted_list(audiences)
                error = f"[{error}, token audiences {own} is invalid for the target audiences {asked}]"
            status = {"user": {}, "error": error}
        obj["status"] = status
        return obj

    # Subresources

    def subresource(self, call: Any, definition: Definition) -> Any:
        """Answer a subresource other than status and scale."""
        name = call.info.subresource
        if name == "token" and self._accounts is not None:
            return self._token(call, definition)
        raise status(501, "", f"the sandbox does not simulate {definition.resource.plural}/{name}")

    def _token(self, call: Any, definition: Definition) -> Any:
        name, namespace = call.info.name, call.info.namespace
        account = self._operations.get(definition, namespace, name)
        sent, _ = parse_body(call.body, call.media_type, "TokenRequest")
        body, _ = canonical(_token_request_type(), sent, name="TokenRequest")
        _check_token_name(body.get("metadata") or {}, name)
        spec = dict(body.get("spec") or {})
        spec.setdefault("expirationSeconds", 3600)
        _check_lifetime(spec["expirationSeconds"])
        self._check_bound_object(spec.get("boundObjectRef"), namespace)
        options = write_options(call, "CreateOptions")
        obj: Json = {
            "kind": "TokenRequest",
            "apiVersion": "authentication.k8s.io/v1",
            "metadata": {},
            "spec": spec,
        }
        self._track_token(obj, options)
        self._issue(obj, account)
        return Answer(201, json=obj)

    def _check_bound_object(self, reference: Json | None, namespace: str) -> None:
        if reference is None:
            return
        if not reference.get("name"):
            raise bad_request("Name parameter required.")
        api_version, kind = reference.get("apiVersion", ""), reference.get("kind", "")
        resource = _BOUND.get(kind) if api_version == "v1" else None
        if resource is None:
            group, _, version = api_version.rpartition("/")
            raise bad_request(f"cannot bind token to object of type {group}/{version}, Kind={kind}")
        found = self._operations.store.get(
            resource, namespace if resource.namespaced else None, reference["name"]
        )
        if found is None:
            raise not_found(resource, reference["name"])
        uid = found["metadata"]["uid"]
        if reference.get("uid", uid) != uid:
            detail = (
                f"the UID in the bound object reference ({reference['uid']}) does not match the UID in "
                "record. The object might have been deleted and then recreated"
            )
            raise conflict(resource, reference["name"], detail)

    def _track_token(self, obj: Json, options: Options) -> None:
        now = timestamp(self._operations.store.now())
        writer = managedfields.Writer(options.manager, obj["apiVersion"], now, "token")
        managedfields.update(_token_request_type(), empty_object("TokenRequest"), obj, writer)

    def _issue(self, obj: Json, account: Json) -> None:
        """Fill in the token of a checked request."""
        now, spec, accounts = self._operations.store.now(), obj["spec"], self._accounts
        if accounts is None:
            raise unknown_resource()
        audiences, seconds = tuple(spec.get("audiences") or (AUDIENCE,)), spec["expirationSeconds"]
        meta = account["metadata"]
        obj["metadata"] |= {
            "name": meta["name"],
            "namespace": meta["namespace"],
            "uid": meta["uid"],
            "creationTimestamp": timestamp(now),
        }
        obj["spec"] = {
            "audiences": list(audiences),
            "expirationSeconds": seconds,
            "boundObjectRef": spec.get("boundObjectRef"),
        }
        obj["status"] = {
            "token": accounts.issue(account, audiences=audiences, seconds=seconds),
            "expirationTimestamp": timestamp(now + timedelta(seconds=seconds)),
        }


def _token_request_type() -> Type:
    return builtin_type("authentication.k8s.io", "v1", "TokenRequest") or DEDUCED


def _check_token_name(meta: Json, name: str) -> None:
    given = meta.get("name")
    if given and given != name:
        error = invalid_value("metadata.name", given, "must match the service account name if specified")
        raise invalid("authentication.k8s.io", "TokenRequest", name, [error])


def _check_lifetime(seconds: int) -> None:
    if seconds < 600:
        text = "may not specify a duration less than 10 minutes"
    elif seconds > 1 << 32:
        text = "may not specify a duration larger than 2^32 seconds"
    else:
        return
    error = invalid_value("spec.expirationSeconds", seconds, text)
    raise invalid("authentication.k8s.io", "TokenRequest", "", [error])


def _check_subject(obj: Json, namespace: str | None) -> None:
    """Check what only reviews of others' permissions say."""
    spec = obj.get("spec") or {}
    if not spec.get("user") and not spec.get("groups"):
        text = "at least one of user or group must be specified"
        raise _invalid_review(invalid_value("spec.user", "", text))
    if obj["kind"] != "LocalSubjectAccessReview":
        return
    if spec.get("nonResourceAttributes") is not None:
        raise _invalid_review(_bad_path(spec["nonResourceAttributes"], "disallowed on this kind of request"))
    given = (spec.get("resourceAttributes") or {}).get("namespace", "")
    if spec.get("resourceAttributes") is not None and given != namespace:
        text = "must match metadata.namespace"
        raise _invalid_review(invalid_value("spec.resourceAttributes.namespace", given, text))


def _bad_path(path: Json, detail: str) -> FieldError:
    shown = {"Path": path.get("path", ""), "Verb": path.get("verb", "")}
    return invalid_value("spec.nonResourceAttributes", shown, detail)


def _invalid_review(error: FieldError) -> ApiError:
    """The real server names no kind here."""
    return invalid("authorization.k8s.io", "", "", [error])


def _quoted_list(values: tuple[str, ...]) -> str:
    return f"[{' '.join(go_value(value) for value in values)}]"
