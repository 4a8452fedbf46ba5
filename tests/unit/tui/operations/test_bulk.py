"""What one confirmation says about several control planes, and the commands that do the same."""

from __future__ import annotations

from k3k_core.errors import ConflictError
from k3k_core.fleet import FleetKey
from k3k_core.host import HostOptions
from k3k_tui.look.glyphs import UNICODE
from k3k_tui.operations.bulk import Intent, confirmation, count
from k3k_tui.operations.commands import arguments, command, label
from k3k_tui.operations.hosts import Refusal
from k3k_tui.view.cells import Cell
from tests.support.stage import text_of
from tests.support.tui import dashboard

CI = FleetKey("arn:aws:eks:eu:1:cluster/prod", "shop", "ci")
THEIRS = FleetKey("prod", "shop", "theirs")


def test_it_names_each_with_its_host_and_says_what_is_left_alone_why_and_what_to_do() -> None:
    intents = [Intent(CI, ((Cell("3 objects"),),))]
    refusals = [Refusal(THEIRS, ConflictError("made by Helm", hint="Use helm."))]
    assert text_of(confirmation(intents, refusals, UNICODE)).split("\n") == [
        "ci  arn:aws:eks:eu:1:cluster/prod/shop",
        "  3 objects",
        "",
        "1 control plane is left alone:",
        "· theirs  prod/shop",
        "  made by Helm",
        "  Use helm.",
    ]


def test_without_refusals_it_says_nothing_of_any() -> None:
    assert "left alone" not in text_of(confirmation([Intent(CI, ())], [], UNICODE))


def test_numbers_are_told_in_words_that_agree() -> None:
    assert (count(1), count(2), count(1, "volume")) == ("1 control plane", "2 control planes", "1 volume")


def test_commands_name_host_and_kubeconfig_and_are_safe_to_paste() -> None:
    options = HostOptions("/tmp/my kube config", "prod's")
    known = dashboard(hosts={"prod": options}).services
    key = FleetKey("prod", "shop", "ci")
    assert arguments(known, key, "delete", "--yes") == (
        *("delete", "ci", "-n", "shop", "--context", "prod's", "--kubeconfig", "/tmp/my kube config"),
        "--yes",
    )
    assert command(known, key, "delete") == (
        "k3k delete ci -n shop --context 'prod'\"'\"'s' --kubeconfig '/tmp/my kube config'"
    )


def test_within_a_cluster_no_context_is_named() -> None:
    known = dashboard(hosts={"in-cluster": HostOptions()}).services
    assert command(known, FleetKey("in-cluster", "shop", "ci"), "restart") == "k3k restart ci -n shop"


def test_a_control_plane_is_labelled_with_its_host() -> None:
    assert label(THEIRS) == "prod/shop/theirs"
