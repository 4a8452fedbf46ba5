"""`k3k completion`."""

from __future__ import annotations

import click
from click.shell_completion import ShellComplete, get_completion_class

from k3k_core.cli import options
from k3k_core.cli.catalog import COMPLETE_VARIABLE, PROGRAM
from k3k_core.cli.command import Example, verb
from k3k_core.cli.session import Session
from k3k_core.errors import UsageError

SHELLS = ("bash", "zsh", "fish")


@verb(
    "completion",
    details="Completes verbs, options, contexts, presets, namespaces and the names of control planes.",
    examples=(
        Example("bash, for this session", "source <(k3k completion bash)"),
        Example("zsh, for good", 'k3k completion zsh > "${fpath[1]}/_k3k"'),
        Example("fish, for good", "k3k completion fish > ~/.config/fish/completions/k3k.fish"),
    ),
    common=(options.general_options,),
)
@click.argument("shell", type=click.Choice(SHELLS))
def command(session: Session, shell: str) -> None:
    """Print the script."""
    found = get_completion_class(shell)
    if found is None:
        raise UsageError(f"There is no completion for {shell}.")
    script = found(click.Group(PROGRAM), {}, PROGRAM, COMPLETE_VARIABLE)
    # The class for bash would start a bash to learn its version; the script is the same for all of them.
    session.console.data(ShellComplete.source(script))
