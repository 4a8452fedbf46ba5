"""From a command line to a dashboard that is not running yet."""

from __future__ import annotations

from pathlib import Path

import pytest

from k3k_core.cli.settings import Settings
from k3k_core.errors import UsageError
from k3k_tui.config import TuiConfig
from k3k_tui.launch import Launch, chosen, chosen_hosts, fleet_opener, make_app
from k3k_tui.terminal import Profile

KUBECONFIG = """
apiVersion: v1
kind: Config
current-context: stage
clusters:
- {name: one, cluster: {server: "https://127.0.0.1:1"}}
users:
- {name: me, user: {token: abc}}
contexts:
- {name: prod, context: {cluster: one, user: me}}
- {name: stage, context: {cluster: one, user: me}}
"""


@pytest.fixture
def kubeconfig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A kubeconfig with two contexts."""
    path = tmp_path / "kubeconfig.yaml"
    path.write_text(KUBECONFIG, encoding="utf-8")
    monkeypatch.setenv("KUBECONFIG", str(path))
    monkeypatch.setenv("K3K_CONFIG", str(tmp_path / "config.yaml"))
    return path


def configure(kubeconfig: Path, text: str) -> None:
    (kubeconfig.parent / "config.yaml").write_text(text, encoding="utf-8")


@pytest.mark.usefixtures("kubeconfig")
def test_the_current_context_is_known_by_its_name_from_the_beginning() -> None:
    hosts = chosen_hosts(Settings())
    assert {name: options.context for name, options in hosts.items()} == {"stage": "stage"}


@pytest.mark.usefixtures("kubeconfig")
def test_contexts_are_those_asked_for_each_once() -> None:
    assert list(chosen_hosts(Settings(contexts=("prod", "prod", "stage")))) == ["prod", "stage"]
    assert list(chosen_hosts(Settings(all_contexts=True))) == ["prod", "stage"]


@pytest.mark.usefixtures("kubeconfig")
def test_a_context_that_was_named_and_does_not_exist_is_told_at_once() -> None:
    with pytest.raises(UsageError):
        chosen_hosts(Settings(contexts=("prdo",)))


async def test_without_any_kubeconfig_it_opens_and_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none.yaml"))
    assert chosen_hosts(Settings()) == {}
    with pytest.raises(UsageError) as raised:
        async with fleet_opener(Settings(), {}, 15.0)():
            pass
    assert "k3k sandbox up" in raised.value.hint


def test_the_command_line_goes_before_the_configuration(kubeconfig: Path) -> None:
    configure(kubeconfig, "tui: {theme: paper, keymap: vim, refresh: 1m, mouse: false}\n")
    assert chosen(Launch()) == (TuiConfig(theme="paper", keymap="vim", refresh=60.0, mouse=False), ())
    assert chosen(Launch(theme="dusk", keymap="k9s", refresh=5.0))[0] == TuiConfig(
        theme="dusk", keymap="k9s", refresh=5.0, mouse=False
    )


def test_a_mistake_in_the_configuration_is_kept_for_the_dashboard_to_tell(kubeconfig: Path) -> None:
    configure(kubeconfig, "tui: {them: paper}\n")
    assert chosen(Launch()) == (TuiConfig(), ("tui: there is no setting 'them'; did you mean 'theme'?",))


@pytest.mark.usefixtures("kubeconfig")
def test_a_host_that_is_not_the_dashboard_s_cannot_be_opened() -> None:
    app = make_app(
        fleet=fleet_opener(Settings(), {}, 15.0),
        hosts=chosen_hosts(Settings()),
        config=TuiConfig(),
        profile=Profile(),
        launch=Launch(read_only=True),
    )
    assert app.services.read_only
    with pytest.raises(UsageError, match="elsewhere"):
        app.services.open_host("elsewhere")
