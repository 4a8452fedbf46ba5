"""Which proxy stands between k3k and a host."""

from __future__ import annotations

import pytest

from k3k_core.errors import UsageError
from k3k_core.host.proxies import choose_proxy

PROXY = "http://proxy.test:3128"


def test_the_environment_names_a_proxy_for_each_scheme() -> None:
    environ = {"HTTPS_PROXY": PROXY, "http_proxy": "other.test:8080"}

    assert choose_proxy("https://host:6443", "", environ) == PROXY
    assert choose_proxy("http://host:8080", "", environ) == "http://other.test:8080"


@pytest.mark.parametrize(
    "server", ["https://127.0.0.1:6443", "https://127.8.9.1", "https://localhost:1", "https://[::1]:6443"]
)
def test_loopback_never_goes_through_the_environments_proxy(server: str) -> None:
    assert choose_proxy(server, "", {"HTTPS_PROXY": PROXY, "HTTP_PROXY": PROXY}) == ""


@pytest.mark.parametrize(
    "no_proxy",
    [
        "*",
        "10.0.0.5",
        "10.0.0.0/8",
        "a.test, 10.0.0.5:6443",
    ],
)
def test_no_proxy_exempts_addresses(no_proxy: str) -> None:
    assert choose_proxy("https://10.0.0.5:6443", "", {"HTTPS_PROXY": PROXY, "NO_PROXY": no_proxy}) == ""


@pytest.mark.parametrize(
    "no_proxy", ["api.corp.test", "corp.test", ".corp.test", "*.corp.test", "API.CORP.TEST:443"]
)
def test_no_proxy_exempts_names(no_proxy: str) -> None:
    environ = {"HTTPS_PROXY": PROXY, "no_proxy": no_proxy}

    assert choose_proxy("https://api.corp.test:443", "", environ) == ""


@pytest.mark.parametrize("no_proxy", ["", "10.0.0.6", "192.168.0.0/16", "10.0.0.5:1", "test", "0.0.5"])
def test_other_hosts_use_the_proxy(no_proxy: str) -> None:
    environ = {"HTTPS_PROXY": PROXY, "NO_PROXY": no_proxy}

    assert choose_proxy("https://10.0.0.5:6443", "", environ) == PROXY


def test_a_kubeconfigs_proxy_counts_for_every_server() -> None:
    assert choose_proxy("https://127.0.0.1:6443", PROXY, {"NO_PROXY": "*"}) == PROXY


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("socks5://proxy.test:1080", "k3k does not speak socks5 proxies"),
        ("http://", "without a host"),
        ("http://[::1", "broken URL"),
    ],
)
def test_proxies_that_cannot_work_are_refused(url: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        choose_proxy("https://host:6443", url, {})


def test_a_refused_proxy_does_not_show_its_password() -> None:
    with pytest.raises(UsageError) as caught:
        choose_proxy("https://host:6443", "socks5://user:hunter2@proxy.test", {})

    assert "hunter2" not in str(caught.value)
