"""k3s itself: tokens, components, flags, and what its version knows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from k3k_core.values import flags
from k3k_core.values.rules.rule import Finding, Given, error, rule, warning
from k3k_core.versions import NEWEST_KNOWN_MINOR, K3sVersion, flag_since, supports

if TYPE_CHECKING:
    from k3k_core.values.model import Values


@rule("k3s.token", "k3s.agent_token")
def _equal_tokens(values: Values, _: Given) -> Iterator[Finding]:
    if values.k3s.token is not None and values.k3s.token == values.k3s.agent_token:
        yield warning(
            "k3s.agent_token",
            "is the same as `k3s.token`: every agent could read the CA keys",
            "use another one, or leave it out and one is generated",
        )


@rule("version")
def _unknown_future(values: Values, _: Given) -> Iterator[Finding]:
    if K3sVersion.parse(values.version).minor > NEWEST_KNOWN_MINOR:
        yield warning(
            "version",
            f"{values.version} is newer than this k3k, which knows k3s up to v1.{NEWEST_KNOWN_MINOR}",
            "check the version, or update k3k",
        )


@rule("version", "k3s.egress_selector_mode")
def _egress_mode(values: Values, given: Given) -> Iterator[Finding]:
    mode = values.k3s.egress_selector_mode
    if not supports(K3sVersion.parse(values.version), "egress-selector-mode"):
        if given.has("k3s.egress_selector_mode"):
            yield warning(
                "k3s.egress_selector_mode",
                f"has no effect: k3s {values.version} does not know it yet",
                f"use k3s {flag_since('egress-selector-mode')} or later, or take it out",
            )
    elif mode in {"agent", "disabled"}:
        yield warning(
            "k3s.egress_selector_mode",
            f"webhooks and aggregated APIs may not work with `{mode}`, for there is no agent beside "
            f"the server",
            "use `cluster` or `pod`",
        )


@rule("k3s.disable.traefik", "k3s.disable.helm_controller")
def _traefik_without_helm(values: Values, _: Given) -> Iterator[Finding]:
    if not values.k3s.disable.traefik and values.k3s.disable.helm_controller:
        yield warning(
            "k3s.disable.traefik",
            "Traefik is a Helm chart and cannot be installed without the Helm controller",
            "set `k3s.disable.helm_controller: false`, or `traefik: true`",
        )


@rule("version", "k3s.tls_sans")
def _wildcard_names(values: Values, _: Given) -> Iterator[Finding]:
    if supports(K3sVersion.parse(values.version), "tls-san-wildcard"):
        return
    for index, name in enumerate(values.k3s.tls_sans):
        if name.startswith("*."):
            yield error(
                f"k3s.tls_sans[{index}]",
                f"k3s {values.version} takes no wildcards",
                f"use k3s {flag_since('tls-san-wildcard')} or later, or write the names out",
            )


@rule("version", "k3s.extra_args")
def _flags_of_the_version(values: Values, _: Given) -> Iterator[Finding]:
    version = K3sVersion.parse(values.version)
    for index, argument in enumerate(values.k3s.extra_args):
        name = flags.flag_name(argument)
        if not supports(version, name):
            yield error(
                f"k3s.extra_args[{index}]",
                f"k3s {version} does not know `--{name}` yet",
                f"use k3s {flag_since(name)} or later, or take it out",
            )
