"""A kubeconfig that is revoked is refused from that moment on."""

from __future__ import annotations

from pathlib import Path

from k3k_core.errors import UnauthorizedError
from k3k_core.host import HostOptions, open_host
from k3k_core.resources import NAMESPACE
from tests.support.hosts import HostUnderTest


def written(kubeconfig: str, path: Path) -> Path:
    path.write_text(kubeconfig)
    return path


async def may_read(path: Path) -> bool:
    """Whether a kubeconfig is let in; what it may do then is another question."""
    try:
        async with open_host(HostOptions(kubeconfig=str(path))) as own:
            await own.list(NAMESPACE)
    except UnauthorizedError:
        return False
    return True


async def test_a_revoked_kubeconfig_is_refused_and_others_stay(host: HostUnderTest, tmp_path: Path) -> None:
    where = ("-n", host.namespace)
    (await host.k3k("create", "ci", *where)).checked()
    ask = ("kubeconfig", "ci", *where)
    options = ("--revocable", "--cluster-role", "view", "--ttl", "1h")
    jane = (await host.k3k(*ask, "--user", "Jane Doe", *options)).checked()
    joe = (await host.k3k(*ask, "--user", "joe", *options)).checked()
    listed = (await host.k3k(*ask, "--list")).checked().out.splitlines()
    ids = {line.split()[0] for line in listed[1:]}
    of_jane = next(each for each in ids if each.startswith("jane-doe-"))
    assert len(ids) == 2
    assert all("view" in line for line in listed[1:])

    admin = (await host.k3k(*ask)).checked()
    texts = {"jane": jane.out, "joe": joe.out, "admin": admin.out}
    files = {name: written(text, tmp_path / name) for name, text in texts.items()}
    for path in files.values():
        assert await may_read(path)
    planned = (await host.k3k(*ask, "--revoke", of_jane, "--dry-run")).checked()
    assert "its token is refused from then on" in planned.out
    assert await may_read(files["jane"])
    (await host.k3k(*ask, "--revoke", of_jane)).checked()
    assert not await may_read(files["jane"])
    assert await may_read(files["joe"])

    again = await host.k3k(*ask, "--revoke", of_jane)
    assert again.code == 3
    assert "cannot; it ends by itself" in again.err
    assert (await host.k3k(*ask, "--user", "x", "--revocable", "--ttl", "1m")).code == 2
    assert (await host.k3k(*ask, "--user", "x", "--revocable", "--cluster-role", "no-such")).code == 3
    planned = (await host.k3k(*ask, "--user", "x", *options, "--dry-run")).checked()
    assert "Bind ClusterRole view to it in all namespaces." in planned.out
    assert len((await host.k3k(*ask, "--list")).checked().out.splitlines()) == 2
