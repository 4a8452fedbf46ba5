"""Help, examples, misspelt words."""

from __future__ import annotations

import os
import shlex

import click
import pytest

from k3k_core.cli.catalog import VERBS
from k3k_core.cli.command import VerbCommand
from k3k_core.cli.group import load_verb
from tests.support.command import Command


def commands() -> dict[str, VerbCommand]:
    """Every command that does something, by its words on the command line."""
    found: dict[str, VerbCommand] = {}
    for name in VERBS:
        loaded = load_verb(name)
        parts = loaded.commands.items() if isinstance(loaded, click.Group) else [("", loaded)]
        for word, part in parts:
            assert isinstance(part, VerbCommand)
            found[f"{name} {word}".strip()] = part
    return found


COMMANDS = commands()
EXAMPLES = [example.command for command in COMMANDS.values() for example in command.examples]


def test_without_arguments_the_help_is_printed_on_standard_output(k3k: Command) -> None:
    ended = k3k()
    assert (ended.code, ended.err) == (0, "")
    assert ended.out == k3k("--help").out


def test_the_help_lists_every_verb_with_its_summary(k3k: Command) -> None:
    out = k3k("--help").out
    for verb in VERBS.values():
        assert f"  {verb.name} " in out
        assert verb.summary in out


@pytest.mark.parametrize("name", list(VERBS))
def test_the_help_of_a_verb_begins_with_its_summary(k3k: Command, name: str) -> None:
    ended = k3k(name, "--help")
    assert ended.code == 0
    usage, _, summary = ended.out.splitlines()[:3]
    assert usage.startswith(f"Usage: k3k {name}")
    assert summary.strip() == VERBS[name].summary


@pytest.mark.parametrize("words", list(COMMANDS))
def test_every_command_has_two_to_four_examples_in_its_help(k3k: Command, words: str) -> None:
    examples = COMMANDS[words].examples
    assert 2 <= len(examples) <= 4
    out = k3k(*words.split(), "--help").out
    for example in examples:
        assert f"  # {example.purpose}\n  {example.command}\n" in out


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_parses(k3k: Command, monkeypatch: pytest.MonkeyPatch, example: str) -> None:
    ran: list[str] = []
    for words, command in COMMANDS.items():
        monkeypatch.setattr(command, "callback", lambda words=words, **_: ran.append(words))
    args = words_of_k3k(example)
    ended = k3k(*args)
    assert ended.code == 0, ended.err
    assert len(ran) == 1
    assert args[: len(ran[0].split())] == ran[0].split()


def words_of_k3k(example: str) -> list[str]:
    """Take the `k3k` call out of a line of shell: before a pipe or redirection, inside `<( )`."""
    inner = example[example.index("<(") + 2 : example.index(")")] if "<(" in example else example
    words = shlex.split(inner)
    end = next((index for index, word in enumerate(words) if word in {"|", ">", "&&"}), len(words))
    assert words[0] == "k3k"
    return words[1:end]


def test_a_misspelt_verb_is_wrong_use_with_the_likely_one(k3k: Command) -> None:
    ended = k3k("crate", "ci")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == (
        "k3k: There is no command 'crate'. Did you mean 'create'?\nhint: `k3k --help` shows how it is used.\n"
    )


def test_a_misspelt_option_is_wrong_use_with_the_likely_one(k3k: Command) -> None:
    ended = k3k("list", "--al-contexts")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == (
        "k3k list: There is no option --al-contexts. Did you mean --all-contexts?\n"
        "hint: `k3k list --help` shows how it is used.\n"
    )


def test_a_value_for_an_option_without_one_is_wrong_use_of_that_verb(k3k: Command) -> None:
    ended = k3k("upgrade", "ci", "--dry-run=yes")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("k3k upgrade: Option '--dry-run' does not take a value")
    assert "`k3k upgrade --help`" in ended.err


def test_a_misspelt_word_below_a_verb_is_wrong_use_with_the_likely_one(k3k: Command) -> None:
    ended = k3k("sandbox", "dwn")
    assert ended.code == 2
    assert "Did you mean 'down'?" in ended.err


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["create"], "Missing argument 'NAME'."),
        (["create", "ci", "--timeout", "soon"], "'soon' is no duration; write it like 30s, 5m, 1h30m or 2d"),
        (["create", "ci", "--timeout", "0s"], "'0s' is out of range"),
        (["list", "-o", "xml"], "'xml' is not one of"),
        (["render", "ci", "--secrets", "some"], "'some' is not one of"),
        (["create", "ci", "--dry-run=maybe"], "'maybe' is not one of"),
        (["completion", "tcsh"], "'tcsh' is not one of"),
        (["sandbox", "up", "--port", "70000"], "70000 is not in the range"),
        (["list", "unexpected"], "unexpected extra argument"),
        (["describe", "a", "b"], "unexpected extra argument"),
    ],
)
def test_wrong_use_ends_with_2_and_one_sentence(k3k: Command, args: list[str], told: str) -> None:
    ended = k3k(*args)
    assert (ended.code, ended.out) == (2, "")
    assert told in ended.err
    assert "Traceback" not in ended.err


def test_the_version_option_prints_the_version(k3k: Command) -> None:
    from k3k_core import __version__

    assert k3k("--version").out == f"k3k {__version__}\n"


def test_an_optional_value_does_not_swallow_the_argument_after_it() -> None:
    ctx = COMMANDS["create"].make_context("create", ["--dry-run", "ci"])
    assert (ctx.params["dry_run"], ctx.params["name"]) == ("client", "ci")


def test_an_optional_value_may_be_given() -> None:
    ctx = COMMANDS["create"].make_context("create", ["ci", "--dry-run=server"])
    assert ctx.params["dry_run"] == "server"


def test_completion_offers_verbs(k3k: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_K3K_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", "k3k de")
    monkeypatch.setenv("COMP_CWORD", "1")
    assert k3k().out.split() == ["plain,delete", "plain,describe", "plain,demo"]


def test_completion_offers_contexts_of_the_kubeconfig(
    k3k: Command, kubeconfig: os.PathLike[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("_K3K_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", "k3k list --context ")
    monkeypatch.setenv("COMP_CWORD", "3")
    assert k3k().out.split() == ["plain,prod", "plain,stage", "plain,dev"]


def test_completion_offers_known_versions_the_newest_first(
    k3k: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("_K3K_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", "k3k upgrade ci --version v1.36")
    monkeypatch.setenv("COMP_CWORD", "4")
    assert k3k().out.split() == ["plain,v1.36.4+k3s1", "plain,v1.36.2+k3s1"]


def test_completion_of_names_without_a_host_offers_nothing_and_says_nothing(
    k3k: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("_K3K_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", "k3k describe ")
    monkeypatch.setenv("COMP_CWORD", "2")
    ended = k3k()
    assert (ended.out.strip(), ended.err) == ("", "")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_completion_script_asks_k3k(k3k: Command, shell: str) -> None:
    ended = k3k("completion", shell)
    assert ended.code == 0
    assert f"_K3K_COMPLETE={shell}_complete" in ended.out
