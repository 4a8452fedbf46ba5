"""`/healthz`, `/livez`, `/readyz`: the checks a real server lists, with `verbose`, `exclude` and single checks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files


@cache
def _ready_checks() -> tuple[str, ...]:
    """Names of the readyz checks in the recorded order."""
    text = files("k3k_core.sandbox.api").joinpath("data/health.txt").read_text("utf-8")
    return tuple(text.split())


@cache
def checks(kind: str, readiness: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Names of the checks behind one health endpoint.

    Args:
        kind: "healthz", "livez" or "readyz".
        readiness: checks of readyz that the recorded server did not have.
    """
    ready = [name for name in _ready_checks() if name not in {"informer-sync", "shutdown"}]
    position = ready.index("log") + 1
    if kind == "readyz":
        return (*_ready_checks()[:position], *readiness, *_ready_checks()[position:])
    return (*ready[:position], "loopback-serving-certificate", "etcd", *ready[position:])


def answer(
    kind: str,
    query: Mapping[str, Sequence[str]],
    failing: Mapping[str, str],
    check: str = "",
    *,
    readiness: tuple[str, ...] = (),
) -> tuple[int, str]:
    """Return status and text of a health endpoint.

    Args:
        kind: "healthz", "livez" or "readyz".
        query: parameters `verbose` and `exclude` with all their values.
        failing: reasons by name of the checks that fail.
        check: a single check; empty for all.
        readiness: checks of readyz that the recorded server did not have.
    """
    names = checks(kind, readiness)
    if check:
        if check not in names:
            return 404, "404 page not found\n"
        if check in failing:
            return 500, f"internal server error: {failing[check]}\n"
        return 200, "ok"
    excluded = {item for value in query.get("exclude", ()) for item in value.split(",") if item}
    lines: list[str] = []
    failed: list[str] = []
    for name in names:
        if name in excluded:
            lines.append(f"[+]{name} excluded: ok")
        elif name in failing:
            failed.append(name)
            lines.append(f"[-]{name} failed: reason withheld")
        else:
            lines.append(f"[+]{name} ok")
    unknown = sorted(excluded - set(names))
    if unknown:
        quoted = ", ".join(f'"{name}"' for name in unknown)
        lines.append(f"warn: some health checks cannot be excluded: no matches for {quoted}")
    text = "\n".join(lines)
    if failed:
        return 500, f"{text}\n{kind} check failed\n"
    if "verbose" not in query:
        return 200, "ok"
    return 200, f"{text}\n{kind} check passed\n"
