"""`k3k serve`, looked at with a real browser."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import pytest

from k3k_core.host import HostOptions, open_host
from k3k_core.lifecycle.create import CreateRequest, create
from k3k_core.names import ControlPlaneId
from k3k_core.sandbox import Sandbox, SandboxOptions
from k3k_core.values import load_values
from tests.support.chromium import CHROMIUM, browser_page
from tests.support.programs import K3K, run, start


@pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")
async def test_the_dashboard_is_shown_and_driven_in_a_browser_and_asks_nobody_else_for_anything(
    tmp_path: Path,
) -> None:
    kubeconfig = tmp_path / "host.yaml"
    async with Sandbox.start(SandboxOptions(start_delay=0.01)) as sandbox:
        kubeconfig.write_text(sandbox.kubeconfig)
        async with open_host(HostOptions(str(kubeconfig))) as host:
            identity = ControlPlaneId("shop", "storefront")
            await create(host, CreateRequest(identity, load_values(""), timeout=60))
        process = await start([K3K, "serve", "--listen", "127.0.0.1:0", "--read-only"], kubeconfig=kubeconfig)
        assert process.stdout is not None
        url = (await process.stdout.readline()).decode().strip()
        try:
            async with browser_page(tmp_path / "browser") as page:
                await page.open(url)
                await page.until(lambda: "storefront" in page.received, "the control plane")
                await page.press("?")
                await page.until(lambda: "Keys (default)" in page.received, "the help")
                place = urlsplit(url).netloc
                assert {urlsplit(each).netloc for each in page.requested} == {place}
                assert "token" not in await page.value("location.href")
                assert len(await page.picture()) > 5_000
        finally:
            process.terminate()
            _, told = await process.communicate()
    assert "sees all that you can see" in told.decode()
    assert process.returncode == 0


async def test_other_machines_are_served_only_when_that_is_asked_for() -> None:
    refused = await run(K3K, "serve", "--listen", "0.0.0.0:0")
    assert refused.code == 2
    assert "--expose" in refused.err
    assert "what you can" in refused.err


async def test_a_public_address_must_be_one() -> None:
    refused = await run(K3K, "serve", "--listen", "127.0.0.1:0", "--public-url", "example.com")
    assert refused.code == 2
    assert "https://HOST" in refused.err
