"""The shipped keymaps, and what users make of them."""

from __future__ import annotations

import pytest

from k3k_core.errors import UsageError
from k3k_tui.actions.action import Action
from k3k_tui.actions.chosen import choose_keys
from k3k_tui.actions.clashes import LAYERED, clashes
from k3k_tui.actions.keys import DEFAULT, keymap, keymap_names, split_keys, unknown_keys
from k3k_tui.actions.registry import ACTIONS, bindings, changed_keys


def action(name: str, scope: str = "fleet") -> Action:
    return Action(name, name, "Does it.", scope, f"screen.{name}")  # type: ignore[arg-type] # any scope


def test_there_are_keys_of_our_own_of_k9s_and_of_vi() -> None:
    assert set(keymap_names()) >= {"default", "k9s", "vim"}
    assert keymap_names()[0] == DEFAULT


@pytest.mark.parametrize("name", keymap_names())
def test_no_key_of_a_shipped_keymap_means_two_things(name: str) -> None:
    assert [str(clash) for clash in clashes(ACTIONS.values(), keymap(name))] == []


@pytest.mark.parametrize("name", keymap_names())
def test_a_shipped_keymap_names_actions_and_keys_that_exist(name: str) -> None:
    keys = keymap(name)
    assert [each for each in keys if each not in ACTIONS] == []
    assert [each for spelled in keys.values() for each in unknown_keys(spelled)] == []


@pytest.mark.parametrize("name", keymap_names())
def test_everything_can_be_done_by_a_key_or_by_a_command(name: str) -> None:
    keys = keymap(name)
    assert [each for each, it in ACTIONS.items() if not keys.get(each) and not it.command] == []


@pytest.mark.parametrize("name", keymap_names())
def test_what_everybody_knows_is_the_same_in_every_keymap(name: str) -> None:
    keys = keymap(name)
    # Where something is being typed, F1 is help too.
    assert split_keys(keys["app.help"]) == ("question_mark", "f1")
    assert split_keys(keys["app.command"]) == ("colon",)
    assert split_keys(keys["fleet.filter"]) == ("slash",)
    assert "escape" in split_keys(keys["app.up"])


@pytest.mark.parametrize("name", keymap_names())
def test_no_single_small_letter_destroys(name: str) -> None:
    keys = keymap(name)
    destroying = [each for each in ACTIONS.values() if each.danger == "destroys"]
    assert destroying
    for each in destroying:
        assert not any(len(key) == 1 and key.islower() for key in split_keys(keys[each.name]))


def test_names_and_commands_of_actions_are_unique() -> None:
    commands = [each.command for each in ACTIONS.values() if each.command]
    assert len(commands) == len(set(commands))


def test_an_unknown_keymap_is_told_with_the_one_that_was_meant() -> None:
    with pytest.raises(UsageError) as raised:
        keymap("vmi")
    assert raised.value.hint == "Did you mean 'vim'?"


@pytest.mark.parametrize(
    ("spelled", "keys"),
    [
        ("x", ("x",)),
        ("?", ("question_mark",)),
        ("x, ctrl+D", ("x", "ctrl+d")),
        ("shift+n", ("N",)),
        ("Esc,Return,F5", ("escape", "enter", "f5")),
        (",", ("comma",)),
        ("+", ("plus",)),
        ("ctrl+i", ("tab",)),
        ("ctrl+space", ("ctrl+@",)),
        ("", ()),
    ],
)
def test_keys_are_understood_as_people_spell_them(spelled: str, keys: tuple[str, ...]) -> None:
    assert split_keys(spelled) == keys


@pytest.mark.parametrize("key", ["ctlr+x", "foo", "f25", "x y"])
def test_a_key_that_no_keyboard_has_is_found(key: str) -> None:
    assert unknown_keys(key) == (key,)


def test_two_actions_at_hand_at_once_may_not_share_a_key() -> None:
    both = (action("one", "app"), action("two", "fleet"))
    assert [str(each) for each in clashes(both, {"one": "x", "two": "z,x"})] == [
        "the key x would stand for one and for two"
    ]


def test_actions_of_different_screens_may_share_a_key() -> None:
    both = (action("one", "jobs"), action("two", "fleet"))
    assert clashes(both, {"one": "x", "two": "x"}) == ()


@pytest.mark.parametrize("key", sorted(LAYERED))
def test_escape_and_enter_belong_to_whatever_is_nearest(key: str) -> None:
    both = (action("one", "app"), action("two", "fleet"))
    assert clashes(both, {"one": key, "two": key}) == ()


def test_a_key_can_be_changed_and_taken_away() -> None:
    chosen = choose_keys("default", {"app.help": "f1", "app.jobs": ""}, ACTIONS)
    assert chosen.problems == ()
    assert chosen.keys["app.help"] == "f1"
    assert "app.jobs" not in chosen.keys


def test_two_actions_can_change_keys_with_each_other() -> None:
    keys = keymap("default")
    swapped = {"app.hosts": keys["app.jobs"], "app.jobs": keys["app.hosts"]}
    chosen = choose_keys("default", swapped, ACTIONS)
    assert chosen.problems == ()
    assert {name: chosen.keys[name] for name in swapped} == swapped


def test_a_key_that_would_mean_two_things_is_left_out_and_told() -> None:
    chosen = choose_keys("default", {"app.help": "q"}, ACTIONS)
    assert chosen.keys["app.help"] == keymap("default")["app.help"]
    (problem,) = chosen.problems
    assert problem.startswith("tui.keys: the key q would stand for app.help and for app.quit;")


@pytest.mark.parametrize(
    ("own", "problem"),
    [
        ({"app.hepl": "x"}, "tui.keys: there is no action 'app.hepl'; did you mean 'app.help'?"),
        (
            {"app.help": "ctlr+h"},
            "tui.keys.app.help: there is no key 'ctlr+h'; keys are spelled like x, X, ctrl+x, f5, enter.",
        ),
    ],
)
def test_a_choice_that_makes_no_sense_is_told_and_left_out(own: dict[str, str], problem: str) -> None:
    chosen = choose_keys("default", own, ACTIONS)
    assert chosen.problems == (problem,)
    assert chosen.keys == {name: keys for name, keys in keymap("default").items() if keys}


def test_an_unknown_keymap_leaves_the_default_in_force() -> None:
    chosen = choose_keys("emacs", {}, ACTIONS)
    assert chosen.name == DEFAULT
    assert chosen.problems == (
        "There is no keymap 'emacs'. There are default, k9s, vim. The default is used.",
    )


def test_every_action_of_a_scope_can_be_bound_even_without_a_key() -> None:
    assert {binding.id for binding in bindings("app") if not isinstance(binding, tuple)} == {
        each.name for each in ACTIONS.values() if each.scope == "app"
    }


def test_textual_is_told_only_what_differs_from_the_default() -> None:
    assert changed_keys(keymap(DEFAULT)) == {}
    keys = {**keymap(DEFAULT), "app.help": "F1", "app.jobs": ""}
    assert changed_keys(keys, hidden=["control-plane.delete"]) == {
        "app.help": "f1",
        "app.jobs": "unbound:app.jobs",
        "control-plane.delete": "unbound:control-plane.delete",
    }
