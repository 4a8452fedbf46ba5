"""The configurations that docs/exporter.md shows."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from k3k_core.cli.group import load_verb
from k3k_core.exporter.web.config import read_web_config
from k3k_core.names import EXPORTER_NAME, LABEL_NAME
from tests.support.prometheus import needs_promtool, promtool

PAGE = (Path(__file__).parents[3] / "docs/exporter.md").read_text("utf-8")
BLOCKS = dict(re.findall(r"```yaml\n# ([a-z: ]+)\n(.*?)```", PAGE, re.DOTALL))


def manifests() -> dict[str, Any]:
    """Every manifest by its kind."""
    return {document["kind"]: document for document in yaml.safe_load_all(BLOCKS["kubernetes"])}


@needs_promtool
@pytest.mark.parametrize("which", ["static", "probe", "raw"])
async def test_prometheus_takes_every_scrape_configuration(tmp_path: Path, which: str) -> None:
    path = tmp_path / "prometheus.yml"
    token = tmp_path / "token"
    token.write_text("x")
    path.write_text(BLOCKS[f"prometheus: {which}"].replace("/etc/prometheus/k3k-raw-token", str(token)))
    checked = await promtool("check", "config", str(path))
    assert checked.code == 0, checked.out + checked.err


def test_the_web_configuration_is_one(tmp_path: Path) -> None:
    path = tmp_path / "web.yaml"
    path.write_text(BLOCKS["web configuration"])
    config = read_web_config(path)
    assert config.tls.client_auth_type == "RequireAndVerifyClientCert"
    assert set(config.users) == {"prometheus"}


def test_the_pods_bear_the_label_that_network_policies_of_control_planes_let_in() -> None:
    template = manifests()["Deployment"]["spec"]["template"]
    assert template["metadata"]["labels"] == {LABEL_NAME: EXPORTER_NAME}
    assert manifests()["Service"]["spec"]["selector"] == {LABEL_NAME: EXPORTER_NAME}


def test_the_command_of_the_deployment_parses() -> None:
    [container] = manifests()["Deployment"]["spec"]["template"]["spec"]["containers"]
    program, verb, *arguments = container["args"]
    assert (program, verb) == ("k3k", "exporter")
    context = load_verb(verb).make_context(verb, arguments)
    assert context.params["listen"] == ":9809"


def test_every_option_of_the_verb_is_explained() -> None:
    own = {
        param.opts[0]
        for param in load_verb("exporter").params
        if not getattr(param, "common", False) and param.opts[0].startswith("--")
    }
    assert own == set(re.findall(r"^\| `(--[a-z-]+)", PAGE, re.MULTILINE))
