"""Validation of the kinds that hold a pod template, and the table of those and of pods."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from zoneinfo import available_timezones

from k3k_core.sandbox.api import names_check as names
from k3k_core.sandbox.api.cron_schedule import parse_schedule
from k3k_core.sandbox.api.field_checks import each_invalid, not_negative
from k3k_core.sandbox.api.statuses import (
    FieldError,
    forbidden_field,
    go_value,
    invalid_value,
    required,
    unsupported,
)
from k3k_core.sandbox.api.validation_config import claim_spec_errors
from k3k_core.sandbox.api.validation_pods import pod_spec_errors, validate_pod, validate_pod_update
from k3k_core.sandbox.api.validation_policy import selector_errors

Json = dict[str, Any]

_STATEFUL_SET = (
    "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', "
    "'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"
)
_CHANGEABLE = frozenset(
    {
        "replicas",
        "ordinals",
        "template",
        "updateStrategy",
        "revisionHistoryLimit",
        "persistentVolumeClaimRetentionPolicy",
        "minReadySeconds",
    }
)

# The time that is added to it must fit into the name of a Job.
_CRON_JOB_NAME = 52
_POLICIES = ("Allow", "Forbid", "Replace")


def _template(spec: Json, *, kind: str, claims: tuple[str, ...] = ()) -> list[FieldError]:
    errors: list[FieldError] = []
    labels = (spec.get("template", {}).get("metadata") or {}).get("labels")
    selector = spec.get("selector")
    if selector is None:
        errors.append(required("spec.selector"))
    else:
        errors += selector_errors(selector, "spec.selector")
        if not selector.get("matchLabels") and not selector.get("matchExpressions"):
            text = f"empty selector is invalid for {kind}"
            errors.append(invalid_value("spec.selector", selector, text))
    wanted = (selector or {}).get("matchLabels") or {}
    nothing = selector is None
    if nothing or any((labels or {}).get(key) != value for key, value in wanted.items()):
        text = "`selector` does not match template `labels`"
        errors.append(invalid_value("spec.template.metadata.labels", labels, text))
    errors += pod_spec_errors(spec["template"]["spec"], "spec.template.spec", claims)
    if not errors or spec["template"]["spec"].get("restartPolicy") in {"OnFailure", "Never"}:
        policy = spec["template"]["spec"].get("restartPolicy")
        if policy != "Always":
            errors.append(unsupported("spec.template.spec.restartPolicy", policy, ("Always",)))
    return errors


def _stateful_set(obj: Json) -> list[FieldError]:
    spec = obj["spec"]
    errors: list[FieldError] = []
    policy = spec.get("podManagementPolicy")
    if policy not in {"OrderedReady", "Parallel"}:
        errors.append(
            invalid_value("spec.podManagementPolicy", policy, "must be 'OrderedReady' or 'Parallel'")
        )
    strategy = (spec.get("updateStrategy") or {}).get("type")
    if strategy not in {"RollingUpdate", "OnDelete"}:
        shown = f'{{"Type":{go_value(strategy)},"RollingUpdate":null}}'
        text = f"Invalid value: {shown}: must be 'RollingUpdate' or 'OnDelete'"
        errors.append(FieldError("spec.updateStrategy", text))
    retention = spec.get("persistentVolumeClaimRetentionPolicy") or {}
    for name in ("whenDeleted", "whenScaled"):
        if retention.get(name) not in {None, "Retain", "Delete"}:
            field = f"spec.persistentVolumeClaimRetentionPolicy.{name}"
            errors.append(unsupported(field, retention[name], ("Retain", "Delete")))
    errors += not_negative(spec, "spec", "replicas", "minReadySeconds")
    if spec.get("serviceName"):
        errors += each_invalid(
            "spec.serviceName", spec["serviceName"], names.label_problems(spec["serviceName"])
        )
    claims = spec.get("volumeClaimTemplates") or []
    claim_names = tuple(claim.get("metadata", {}).get("name", "") for claim in claims)
    errors += _template(spec, kind="statefulset", claims=claim_names)
    for position, claim in enumerate(claims):
        errors += claim_spec_errors(claim.get("spec") or {}, f"spec.volumeClaimTemplates[{position}].spec")
    return errors


def validate_stateful_set_status(obj: Json) -> list[FieldError]:
    """Check the counts of a StatefulSet's status."""
    status = obj.get("status") or {}
    names_of_counts = ("replicas", "readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas")
    errors = not_negative(status, "status", *names_of_counts)
    total = status.get("replicas", 0)
    for name in names_of_counts[1:]:
        if status.get(name, 0) > total:
            errors.append(
                invalid_value(f"status.{name}", status[name], "cannot be greater than status.replicas")
            )
    ready = status.get("readyReplicas", 0)
    if ready < status.get("availableReplicas", 0) <= total:
        text = "cannot be greater than status.readyReplicas"
        errors.append(invalid_value("status.availableReplicas", status["availableReplicas"], text))
    return errors


def _stateful_set_update(obj: Json, old: Json) -> list[FieldError]:
    errors = _stateful_set(obj)
    new_spec = {key: value for key, value in obj["spec"].items() if key not in _CHANGEABLE}
    old_spec = {key: value for key, value in old["spec"].items() if key not in _CHANGEABLE}
    if new_spec != old_spec:
        errors.append(forbidden_field("spec", _STATEFUL_SET))
    return errors


def _deployment(obj: Json) -> list[FieldError]:
    spec = obj["spec"]
    errors = not_negative(spec, "spec", "replicas")
    errors += _template(spec, kind="deployment")
    strategy = (spec.get("strategy") or {}).get("type")
    if strategy not in {"Recreate", "RollingUpdate"}:
        errors.append(unsupported("spec.strategy.type", strategy, ("Recreate", "RollingUpdate")))
    return errors + not_negative(spec, "spec", "minReadySeconds", "revisionHistoryLimit")


def _fixed_selector(check: Callable[[Json], list[FieldError]]) -> Callable[[Json, Json], list[FieldError]]:
    def run(obj: Json, old: Json) -> list[FieldError]:
        errors = check(obj)
        if obj["spec"].get("selector") != old["spec"].get("selector"):
            selector = obj["spec"].get("selector")
            errors.append(invalid_value("spec.selector", selector, "field is immutable"))
        return errors

    return run


def _daemon_set(obj: Json) -> list[FieldError]:
    return _template(obj["spec"], kind="daemonset")


def _replica_set(obj: Json) -> list[FieldError]:
    return [*not_negative(obj["spec"], "spec", "replicas"), *_template(obj["spec"], kind="deployment")]


def _job(obj: Json) -> list[FieldError]:
    spec = obj["spec"]
    errors = not_negative(spec, "spec", "parallelism", "completions", "backoffLimit")
    errors += pod_spec_errors(spec["template"]["spec"], "spec.template.spec")
    policy = spec["template"]["spec"].get("restartPolicy")
    if policy == "Always":
        text = 'Required value: valid values: "OnFailure", "Never"'
        errors.append(FieldError("spec.template.spec.restartPolicy", text))
    return errors


def _cron_job(obj: Json) -> list[FieldError]:
    spec, errors = obj["spec"], []
    name = obj["metadata"].get("name", "")
    if len(name) > _CRON_JOB_NAME:
        errors.append(
            invalid_value("metadata.name", name, f"must be no more than {_CRON_JOB_NAME} characters")
        )
    errors += _schedule(spec)
    if spec.get("concurrencyPolicy") not in _POLICIES:
        errors.append(unsupported("spec.concurrencyPolicy", spec.get("concurrencyPolicy"), _POLICIES))
    errors += not_negative(
        spec, "spec", "startingDeadlineSeconds", "successfulJobsHistoryLimit", "failedJobsHistoryLimit"
    )
    for error in _job({"spec": {"template": {"spec": {}}, **spec["jobTemplate"]["spec"]}}):
        errors.append(FieldError(f"spec.jobTemplate.{error.field}", error.message))
    return errors


def _schedule(spec: Json) -> list[FieldError]:
    schedule, zone = spec.get("schedule", ""), spec.get("timeZone")
    errors = []
    if not schedule:
        errors.append(required("spec.schedule"))
    elif "TZ" in schedule:
        text = "cannot use TZ or CRON_TZ in schedule, use timeZone field instead"
        errors.append(invalid_value("spec.schedule", schedule, text))
    else:
        try:
            parse_schedule(schedule)
        except ValueError as error:
            errors.append(invalid_value("spec.schedule", schedule, str(error)))
    if zone is not None and zone not in available_timezones():
        errors.append(invalid_value("spec.timeZone", zone, f"unknown time zone {zone}"))
    return errors


Validate = Callable[[Json], list[FieldError]]
CREATE: dict[str, Validate] = {
    "CronJob": _cron_job,
    "DaemonSet": _daemon_set,
    "Deployment": _deployment,
    "Job": _job,
    "Pod": validate_pod,
    "ReplicaSet": _replica_set,
    "StatefulSet": _stateful_set,
}
UPDATE: dict[str, Callable[[Json, Json], list[FieldError]]] = {
    "CronJob": lambda obj, _: _cron_job(obj),
    "DaemonSet": _fixed_selector(_daemon_set),
    "Deployment": _fixed_selector(_deployment),
    "Pod": validate_pod_update,
    "ReplicaSet": _fixed_selector(_replica_set),
    "StatefulSet": _stateful_set_update,
}
