"""The cells of what runs pods, and of budgets for them."""

from __future__ import annotations

from typing import Any

from k3k_core.sandbox.api.cell_texts import (
    NONE,
    Json,
    age_of,
    duration,
    name_of,
    seconds_of,
    selector_cell,
    template_cells,
)


def stateful_set_cells(obj: Json, now: float) -> list[Any]:
    ready = (obj.get("status") or {}).get("readyReplicas", 0)
    return [name_of(obj), f"{ready}/{obj['spec'].get('replicas', 0)}", age_of(obj, now), *template_cells(obj)]


def deployment_cells(obj: Json, now: float) -> list[Any]:
    spec, status = obj["spec"], obj.get("status") or {}
    return [
        name_of(obj),
        f"{status.get('readyReplicas', 0)}/{spec.get('replicas', 0)}",
        status.get("updatedReplicas", 0),
        status.get("availableReplicas", 0),
        age_of(obj, now),
        *template_cells(obj),
        selector_cell(spec.get("selector")),
    ]


def replica_set_cells(obj: Json, now: float) -> list[Any]:
    spec, status = obj["spec"], obj.get("status") or {}
    return [
        name_of(obj),
        spec.get("replicas", 0),
        status.get("replicas", 0),
        status.get("readyReplicas", 0),
        age_of(obj, now),
        *template_cells(obj),
        selector_cell(spec.get("selector")),
    ]


def daemon_set_cells(obj: Json, now: float) -> list[Any]:
    spec, status = obj["spec"], obj.get("status") or {}
    names = (
        "desiredNumberScheduled",
        "currentNumberScheduled",
        "numberReady",
        "updatedNumberScheduled",
        "numberAvailable",
    )
    return [
        name_of(obj),
        *(status.get(name, 0) for name in names),
        selector_cell(spec["template"].get("spec", {}).get("nodeSelector")),
        age_of(obj, now),
        *template_cells(obj),
        selector_cell(spec.get("selector")),
    ]


def job_cells(obj: Json, now: float) -> list[Any]:
    spec, status = obj["spec"], obj.get("status") or {}
    wanted = spec.get("completions")
    done = (
        f"{status.get('succeeded', 0)}/{wanted}" if wanted is not None else f"{status.get('succeeded', 0)}/1"
    )
    start, end = status.get("startTime"), status.get("completionTime")
    took = duration((seconds_of(end) if end else now) - seconds_of(start)) if start else ""
    true = {item["type"] for item in status.get("conditions") or () if item.get("status") == "True"}
    state = "Running"
    for condition, word in (("Complete", "Complete"), ("Failed", "Failed"), ("Suspended", "Suspended")):
        if condition in true:
            state = word
            break
    return [
        name_of(obj),
        state,
        done,
        took,
        age_of(obj, now),
        *template_cells(obj),
        selector_cell(spec.get("selector")),
    ]


def cron_job_cells(obj: Json, now: float) -> list[Any]:
    spec, status = obj["spec"], obj.get("status") or {}
    last = status.get("lastScheduleTime")
    job = spec["jobTemplate"]["spec"]
    return [
        name_of(obj),
        spec["schedule"],
        spec.get("timeZone") or NONE,
        str(bool(spec.get("suspend"))),
        len(status.get("active") or ()),
        duration(now - seconds_of(last)) if last else NONE,
        age_of(obj, now),
        *template_cells({"spec": job}),
        selector_cell(job.get("selector")),
    ]


# Others


def budget_cells(obj: Json, now: float) -> list[Any]:
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    low, high = spec.get("minAvailable"), spec.get("maxUnavailable")
    return [
        name_of(obj),
        "N/A" if low is None else str(low),
        "N/A" if high is None else str(high),
        status.get("disruptionsAllowed", 0),
        age_of(obj, now),
    ]


def controller_revision_cells(obj: Json, now: float) -> list[Any]:
    owners = obj["metadata"].get("ownerReferences") or ()
    owner = next((item for item in owners if item.get("controller")), None)
    shown = NONE
    if owner is not None:
        group = owner["apiVersion"].rpartition("/")[0]
        kind = owner["kind"].lower()
        shown = f"{kind}.{group}/{owner['name']}" if group else f"{kind}/{owner['name']}"
    return [name_of(obj), shown, obj.get("revision", 0), age_of(obj, now)]
