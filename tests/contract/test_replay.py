"""The sandbox answers every recorded request as the recorded kube-apiserver did, step by step."""

from __future__ import annotations

import asyncio
import gzip
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.engines import engine
from tests.support.replay import Mismatch, Replayer, Translation, replay_session

pytestmark = pytest.mark.xdist_group("replay")

Json = dict[str, Any]
HERE = Path(__file__).parent
# The order of the recording: later scenarios find what earlier ones left.
ORDER = (
    "discovery",
    "namespace-lifecycle",
    "crud-errors",
    "server-side-apply",
    "list-and-selectors",
    "watch",
    "statefulset",
    "rbac-and-identity",
    "custom-resources",
)
# What somebody else wrote while these watches of the recording ran.
_W1 = "/api/v1/namespaces/t2/configmaps/w1"
_WRITES: list[Json] = [
    {
        "method": "POST",
        "path": "/api/v1/namespaces/t2/configmaps",
        "headers": {"content-type": "application/json"},
        "body": {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "w1", "namespace": "t2", "labels": {"w": "1"}},
            "data": {"a": "1"},
        },
    },
    {
        "method": "PATCH",
        "path": _W1,
        "headers": {"content-type": "application/merge-patch+json"},
        "body": {"data": {"q": "1"}},
    },
    {
        "method": "PATCH",
        "path": _W1,
        "headers": {"content-type": "application/merge-patch+json"},
        "body": {"metadata": {"labels": None}},
    },
    {"method": "DELETE", "path": _W1},
]
WRITERS = {("watch", 1): _WRITES, ("watch", 4): _WRITES}


def load(scenario: str) -> Json:
    """Read a scenario, with the requests that `left_out.yaml` corrects."""
    content: Json = json.loads(gzip.decompress((HERE / "scenarios" / f"{scenario}.json.gz").read_bytes()))
    for entry in left_out(scenario):
        if "send" in entry:
            content["steps"][entry["step"]]["request"]["body"] = entry["send"]
    return content


def left_out(scenario: str) -> list[Json]:
    entries = yaml.safe_load((HERE / "left_out.yaml").read_text("utf-8"))
    return [entry for entry in entries if entry["scenario"] == scenario]


STEPS = [(scenario, number) for scenario in ORDER for number in range(len(load(scenario)["steps"]))]


async def _replay() -> dict[tuple[str, int], Mismatch]:
    found: dict[tuple[str, int], Mismatch] = {}
    async with engine() as server, replay_session() as session:
        replayer = Replayer(session, server.url, server.manager.settled, Translation())
        for scenario in ORDER:
            writers = {step: writes for (name, step), writes in WRITERS.items() if name == scenario}
            for mismatch in await replayer.run(load(scenario), writers):
                found[scenario, mismatch.step] = mismatch
    return found


@pytest.fixture(scope="module")
def mismatches() -> dict[tuple[str, int], Mismatch]:
    """The steps that were answered differently, after one replay of all scenarios on a fresh server."""
    return asyncio.run(_replay())


@pytest.mark.parametrize(("scenario", "step"), STEPS, ids=[f"{name}-{number}" for name, number in STEPS])
def test_a_step_is_answered_as_recorded(
    scenario: str, step: int, mismatches: dict[tuple[str, int], Mismatch]
) -> None:
    mismatch = mismatches.get((scenario, step))
    if mismatch is None:
        return
    ignored = [
        path for entry in left_out(scenario) if entry["step"] == step for path in entry.get("ignore", ())
    ]
    remaining = [
        line for line in mismatch.differences if not any(line.startswith(f"{path}:") for path in ignored)
    ]
    assert not remaining, str(mismatch)


@pytest.mark.parametrize(
    "entry",
    yaml.safe_load((HERE / "left_out.yaml").read_text("utf-8")),
    ids=lambda e: f"{e['scenario']}-{e['step']}",
)
def test_what_is_left_out_still_differs(entry: Json, mismatches: dict[tuple[str, int], Mismatch]) -> None:
    """An entry that is not needed any more is to be taken out of the list."""
    if "send" in entry:
        recorded = json.loads(
            gzip.decompress((HERE / "scenarios" / f"{entry['scenario']}.json.gz").read_bytes())
        )
        assert recorded["steps"][entry["step"]]["request"]["body"] != entry["send"]
        return
    differing = mismatches[entry["scenario"], entry["step"]].differences
    for path in entry["ignore"]:
        assert any(line.startswith(f"{path}:") for line in differing), path
