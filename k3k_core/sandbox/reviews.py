"""Objects that are answered and not kept: access reviews, token requests; and subresources with their own rules."""

from __future__ import annotations

from typing import Any

from k3k_core.sandbox import managedfields
from k3k_core.sandbox.authn import AUDIENCE, AUTHENTICATED, ServiceAccountTokens, User
from k3k_core.sandbox.bodies import parse_body
from k3k_core.sandbox.decoding import empty_object, fill_zero_values
from k3k_core.sandbox.operations import Operations, Options
from k3k_core.sandbox.rbac import Attributes, Authorizer, Decision, RbacAuthorizer
from k3k_core.sandbox.registry import Definition
from k3k_core.sandbox.schema import DEDUCED, builtin_type
from k3k_core.sandbox.statuses import internal, invalid, invalid_value, required, status, unknown_resource
from k3k_core.sandbox.store import clone, timestamp

Json = dict[str, Any]


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
        self._track(definition, obj, options)
        if kind == "SelfSubjectReview":
            obj["metadata"] = {"creationTimestamp": timestamp(self._operations.store.now())}
            obj["status"] = {"userInfo": call.user.info()}
            return obj
        if kind == "SelfSubjectRulesReview":
            return self._rules(call.user, obj)
        if kind == "TokenReview":
            return self._token_review(obj)
        if kind == "SelfSubjectAccessReview":
            return self._access(obj, call.user)
        if kind in {"SubjectAccessReview", "LocalSubjectAccessReview"}:
            spec = obj.get("spec") or {}
            extra = {key: tuple(values) for key, values in (spec.get("extra") or {}).items()}
            return self._access(
                obj, User(spec.get("user", ""), tuple(spec.get("groups") or ()), spec.get("uid", ""), extra)
            )
        raise unknown_resource()

    def _track(self, definition: Definition, obj: Json, options: Options) -> None:
        kind = self._operations.type_of(definition)
        writer = self._operations.writer(definition, options)
        managedfields.update(kind, empty_object(definition.resource.kind), obj, writer)

    def _access(self, obj: Json, user: User) -> Json:
        spec = obj.get("spec") or {}
        kind = obj["kind"]
        wanted, path = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
        if (wanted is None) == (path is None):
            problem = (
                invalid_value(
                    "spec.resourceAttributes",
                    None,
                    "exactly one of nonResourceAttributes or resourceAttributes must be specified",
                )
                if wanted is None
                else invalid_value(
                    "spec.nonResourceAttributes",
                    path,
                    "cannot be specified in combination with resourceAttributes",
                )
            )
            raise invalid("authorization.k8s.io", kind, "", [problem])
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
        rules: list[Json] = []
        if isinstance(self._authorizer, RbacAuthorizer):
            rules = self._authorizer.rules_for(user, (obj.get("spec") or {}).get("namespace", ""))
        resource_rules = [clone(rule) for rule in rules if rule.get("resources")]
        path_rules = [clone(rule) for rule in rules if rule.get("nonResourceURLs")]
        obj["status"] = {"resourceRules": resource_rules, "nonResourceRules": path_rules, "incomplete": False}
        return obj

    def _token_review(self, obj: Json) -> Json:
        spec = obj.get("spec") or {}
        user = (
            self._accounts.verify(spec.get("token", ""), tuple(spec.get("audiences") or ()))
            if self._accounts
            else None
        )
        if user is None:
            obj["status"] = {"user": {}, "error": "[invalid bearer token]"}
        else:
            obj["status"] = {
                "authenticated": True,
                "user": user.info(),
                "audiences": list(spec.get("audiences") or (AUDIENCE,)),
            }
        return obj

    # Subresources

    def subresource(self, call: Any, definition: Definition, handlers: Any) -> Any:
        """Answer a subresource other than status and scale."""
        name = call.info.subresource
        if name == "token" and self._accounts is not None:
            return self._token(call, definition, handlers)
        raise status(501, "", f"the sandbox does not simulate {definition.resource.plural}/{name}")

    def _token(self, call: Any, definition: Definition, handlers: Any) -> Any:
        from k3k_core.sandbox.handlers import Answer

        account = self._operations.get(definition, call.info.namespace, call.info.name)
        body, _ = parse_body(call.body, call.media_type, "TokenRequest")
        kind = builtin_type("authentication.k8s.io", "v1", "TokenRequest") or DEDUCED
        spec = body.get("spec") or {}
        seconds = spec.get("expirationSeconds", 3600)
        errors = []
        if seconds < 600:
            errors.append(
                invalid_value(
                    "spec.expirationSeconds", seconds, "may not specify a duration less than 10 minutes"
                )
            )
        elif seconds > 1 << 32:
            errors.append(
                invalid_value(
                    "spec.expirationSeconds", seconds, "may not specify a duration larger than 2^32 seconds"
                )
            )
        if errors:
            raise invalid("authentication.k8s.io", "TokenRequest", "", errors)
        options = handlers._options(call, definition, "CreateOptions")
        obj: Json = {
            "kind": "TokenRequest",
            "apiVersion": "authentication.k8s.io/v1",
            "metadata": {},
            "spec": dict(spec),
        }
        writer = managedfields.Writer(
            options.manager, "authentication.k8s.io/v1", timestamp(self._operations.store.now()), "token"
        )
        managedfields.update(
            kind,
            {
                "metadata": {},
                "spec": {"audiences": None, "expirationSeconds": None, "boundObjectRef": None},
                "status": {"token": "", "expirationTimestamp": None},
            },
            obj,
            writer,
        )
        now = self._operations.store.now()
        audiences = tuple(spec.get("audiences") or (AUDIENCE,))
        assert self._accounts is not None
        token = self._accounts.issue(account, audiences=audiences, seconds=seconds)
        from datetime import timedelta

        obj["metadata"] |= {
            "name": call.info.name,
            "namespace": call.info.namespace,
            "uid": account["metadata"]["uid"],
            "creationTimestamp": timestamp(now),
        }
        obj["spec"] = {
            "audiences": list(audiences),
            "expirationSeconds": seconds,
            "boundObjectRef": spec.get("boundObjectRef"),
        }
        obj["status"] = {"token": token, "expirationTimestamp": timestamp(now + timedelta(seconds=seconds))}
        return Answer(201, json=obj)


__all__ = ["AUTHENTICATED", "Reviews", "fill_zero_values", "internal", "required"]
