"""The root command and groups: verbs are imported when they are used, and misspelt words get advice."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, cast

import click

from k3k_core.cli.catalog import PLANNED, VERBS, WITHOUT_VERB, sections
from k3k_core.cli.option import COMMON
from k3k_core.cli.terminal import at_a_terminal

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


class Group(click.Group):
    """A group that helps with misspelt names, at every version of click we allow."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or say which one may have been meant.

        Raises:
            click.UsageError: there is no such command.
        """
        if not ctx.resilient_parsing and self.get_command(ctx, args[0]) is None:
            from difflib import get_close_matches

            if args[0] in PLANNED:
                ctx.fail(f"`k3k {args[0]}` comes with a later release; this one does not have it yet.")
            meant = get_close_matches(args[0], self.list_commands(ctx), n=1)
            advice = f" Did you mean {meant[0]!r}?" if meant else ""
            ctx.fail(f"There is no command {args[0]!r}.{advice}")
        return super().resolve_command(ctx, args)


class LazyGroup(Group):
    """The root command: a verb's module is imported when the verb is used, not before."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take a command line without a verb for the dashboard, where somebody can see it."""
        if not ctx.resilient_parsing and at_a_terminal():
            _, verb, _ = self.make_parser(ctx).parse_args(list(args))
            args = args if verb else [*args, WITHOUT_VERB]
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 (click's signature)
        """Return the names of all verbs, in the order of the catalog."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import and return one verb; None when there is none of that name."""
        return load_verb(cmd_name) if cmd_name in VERBS else None

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the verbs by section, then the options, importing no verb."""
        width = max(map(len, VERBS)) + 2
        for section, verbs in sections().items():
            with formatter.section(section):
                formatter.write_dl([(verb.name.ljust(width), verb.summary) for verb in verbs])
        records = [record for param in self.get_params(ctx) if (record := param.get_help_record(ctx))]
        with formatter.section(f"{COMMON} (before or after the verb)"):
            formatter.write_dl(records)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete verbs from the catalog, importing none."""
        from click.shell_completion import CompletionItem

        verbs = [
            CompletionItem(verb.name, help=verb.summary)
            for verb in VERBS.values()
            if verb.name.startswith(incomplete)
        ]
        return verbs + click.Command.shell_complete(self, ctx, incomplete)


def load_verb(name: str) -> click.Command:
    """Import the module of a verb and return its command.

    Args:
        name: a name of the catalog.
    """
    home = VERBS[name].module
    # The dashboard's verbs are named, not imported: the core knows nothing of it.
    module = importlib.import_module(home if "." in home else f"k3k_core.cli.verbs.{home}")
    return cast("click.Command", module.command)
