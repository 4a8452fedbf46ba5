"""What the scraper's modules load."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest


def loaded_by(statement: str) -> set[str]:
    """Return the top-level modules that a fresh process has after a statement."""
    program = f"{statement}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in json.loads(done.stdout)}


def test_describing_targets_loads_no_http_client() -> None:
    loaded = loaded_by("from k3k_core.telemetry.scraper import ScrapeOptions, TargetId, ScrapeFigures")

    assert loaded.isdisjoint({"httpx", "ssl", "asyncio"})


@pytest.mark.parametrize("module", ["rich", "click", "pygments", "cryptography", "aiohttp", "pydantic"])
def test_a_worker_loads_nothing_that_it_does_not_need(module: str) -> None:
    assert module not in loaded_by("import k3k_core.telemetry.scraper.worker")


def test_httpx_works_as_a_library() -> None:
    loaded = loaded_by(
        "from k3k_core.telemetry.scraper.light_httpx import httpx\nhttpx.Client(verify=False).close()"
    )

    assert "httpx" in loaded
