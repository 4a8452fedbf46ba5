"""Where settings come from, and which source wins."""

from __future__ import annotations

from pathlib import Path

import pytest

from k3k_core.cli.settings import Settings, config_path, resolve
from k3k_core.errors import UsageError


def configured(home: Path, text: str) -> dict[str, str]:
    """Write a configuration file and return the environment that names it."""
    path = home / "k3k.yaml"
    path.write_text(text, encoding="utf-8")
    return {"K3K_CONFIG": str(path)}


def test_without_any_source_there_are_defaults() -> None:
    assert resolve({}, {}, environ={}, outputs=("table",)) == Settings(output="table", request_timeout=30.0)


def test_a_flag_beats_the_environment_which_beats_the_file_which_beats_the_default(home: Path) -> None:
    environ = configured(home, "namespace: from-file\nrequest_timeout: 7s\nquiet: true\n")
    environ |= {"K3K_NAMESPACE": "from-environment", "K3K_REQUEST_TIMEOUT": "8s"}
    found = resolve({"namespace": "from-flag"}, {}, environ=environ)
    assert (found.namespace, found.request_timeout, found.quiet, found.verbose) == (
        "from-flag",
        8.0,
        True,
        False,
    )


def test_an_option_after_the_verb_beats_the_same_before_it() -> None:
    assert resolve({"namespace": "b"}, {"namespace": "a"}, environ={}).namespace == "b"


def test_an_option_before_the_verb_counts_where_none_follows_it() -> None:
    assert resolve({"namespace": None}, {"namespace": "a"}, environ={}).namespace == "a"


@pytest.mark.parametrize(
    ("file", "variables", "own", "contexts", "every"),
    [
        ("all_contexts: true", {}, {"contexts": ("a",)}, ("a",), False),
        ("all_contexts: true", {"K3K_CONTEXT": "a"}, {}, ("a",), False),
        ("context: [a, b]", {}, {"all_contexts": True}, (), True),
        ("context: [a, b]", {}, {}, ("a", "b"), False),
    ],
)
def test_naming_contexts_and_wanting_all_of_them_replace_each_other(
    home: Path,
    file: str,
    variables: dict[str, str],
    own: dict[str, object],
    contexts: tuple[str, ...],
    every: bool,
) -> None:
    found = resolve(own, {}, environ={**configured(home, file), **variables}, many_hosts=True)
    assert (found.contexts, found.all_contexts) == (contexts, every)


def test_a_configured_format_that_a_verb_lacks_is_ignored() -> None:
    assert resolve({}, {}, environ={"K3K_OUTPUT": "wide"}, outputs=("yaml", "json")).output == "yaml"


@pytest.mark.parametrize(
    ("own", "outer", "many", "told"),
    [
        ({}, {"output": "wide"}, False, "no output format 'wide'; it has table, json"),
        ({"contexts": ("a", "b")}, {}, False, "works on one host"),
        ({}, {"all_contexts": True}, False, "works on one host"),
        ({"contexts": ("a",)}, {"all_contexts": True}, True, "exclude each other"),
        ({"namespace": "a", "all_namespaces": True}, {}, True, "exclude each other"),
    ],
)
def test_options_that_make_no_sense_together_are_wrong_use(
    own: dict[str, object], outer: dict[str, object], many: bool, told: str
) -> None:
    with pytest.raises(UsageError, match=told):
        resolve(own, outer, environ={}, outputs=("table", "json"), many_hosts=many)


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("K3K_REQUEST_TIMEOUT", "soon", "K3K_REQUEST_TIMEOUT: 'soon' is no duration"),
        ("K3K_OUTPUT", "xml", "K3K_OUTPUT: 'xml' is no output format"),
        ("K3K_QUIET", "perhaps", "K3K_QUIET: 'perhaps' is neither true nor false"),
    ],
)
def test_a_variable_that_makes_no_sense_is_named(variable: str, value: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        resolve({}, {}, environ={variable: value})


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("namespcae: a", "unknown setting 'namespcae'"),
        ("tui:\n  theme: [moss\nquiet: true", r"is not valid YAML \(line 3, column 6\)"),
        ("- a", "holds no mapping"),
        ("a: [", "not valid YAML"),
        ("namespace: 3", "namespace: a non-empty text is expected"),
        ("request_timeout: -1s", "request_timeout: '-1s' is no duration"),
        ("context: [a, 3]", "context: a non-empty text is expected"),
    ],
)
def test_a_mistake_in_the_configuration_file_is_named_with_the_file(home: Path, text: str, told: str) -> None:
    environ = configured(home, text)
    with pytest.raises(UsageError, match=told) as caught:
        resolve({}, {}, environ=environ)
    assert environ["K3K_CONFIG"] in caught.value.message


def test_a_misspelt_setting_gets_the_likely_one(home: Path) -> None:
    with pytest.raises(UsageError) as caught:
        resolve({}, {}, environ=configured(home, "namespcae: a"))
    assert caught.value.hint == "Did you mean 'namespace'?"


def test_a_configuration_file_that_was_named_must_exist() -> None:
    with pytest.raises(UsageError, match="does not exist"):
        resolve({}, {}, environ={"K3K_CONFIG": "/nowhere/k3k.yaml"})


def test_an_empty_configuration_file_is_none(home: Path) -> None:
    assert resolve({}, {}, environ=configured(home, "")) == Settings()


def test_the_usual_place_of_the_file_is_the_user_configuration_folder(home: Path) -> None:
    assert config_path({}) == home / ".config" / "k3k" / "config.yaml"
