"""click, with lazy verbs, options in sections, examples as data, and common options in either place."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, cast

import click
from click.shell_completion import CompletionItem

from k3k_core.cli.catalog import VERBS, sections

CONTEXT_SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
COMMON = "Common options"


@dataclass(frozen=True, slots=True)
class Example:
    """One example of a verb's help.

    Attributes:
        purpose: what it is for, one short line.
        command: a command line that parses.
    """

    purpose: str
    command: str


class Option(click.Option):
    """An option that belongs to a section of the help and to the common options or not.

    Args:
        section: heading in the help, "Options" unless told.
        common: accepted before the verb too; its value reaches the verb through its session.
    """

    def __init__(self, *args: Any, section: str = "Options", common: bool = False, **attributes: Any) -> None:
        super().__init__(*args, **attributes)
        self.section = COMMON if common else section
        self.common = common


def option(*declarations: str, **attributes: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declare an option of a verb; see `Option` for what it takes beyond `click.option`."""
    return click.option(*declarations, cls=Option, **attributes)


class VerbCommand(click.Command):
    """A verb: its callback receives `session` and its own parameters, never the common ones.

    Args:
        examples: shown below the options.
        bare_values: what an option means when it is given without `=value`, e.g. `{"--dry-run": "client"}`.
        outputs: formats `-o` takes, the default first; empty for a verb without `-o`.
        many_hosts: several `--context` or `--all-contexts` make sense.
    """

    def __init__(
        self,
        *args: Any,
        examples: Sequence[Example] = (),
        bare_values: Mapping[str, str] | None = None,
        outputs: Sequence[str] = (),
        many_hosts: bool = False,
        **attributes: Any,
    ) -> None:
        attributes["context_settings"] = dict(CONTEXT_SETTINGS)
        super().__init__(*args, **attributes)
        self.examples = tuple(examples)
        self.bare_values = dict(bare_values or {})
        self.outputs = tuple(outputs)
        self.many_hosts = many_hosts

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Spell out options given without their optional value, then parse."""
        end = args.index("--") if "--" in args else len(args)
        head = [f"{arg}={self.bare_values[arg]}" if arg in self.bare_values else arg for arg in args[:end]]
        return super().parse_args(ctx, head + args[end:])

    def invoke(self, ctx: click.Context) -> Any:
        """Turn the common options into a session and call the verb."""
        from k3k_core.cli.session import open_session

        names = [param.name for param in self.params if isinstance(param, Option) and param.common]
        common = {name: ctx.params.pop(name) for name in names}
        ctx.params["session"] = open_session(
            own=common, outer=_outer_options(ctx), outputs=self.outputs, many_hosts=self.many_hosts
        )
        return super().invoke(ctx)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options by section, the common ones last."""
        grouped: dict[str, list[tuple[str, str]]] = {"Options": []}
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx) if isinstance(param, click.Option) else None
            if record is not None:
                grouped.setdefault(getattr(param, "section", COMMON), []).append(record)
        grouped[COMMON] = grouped.pop(COMMON, [])
        for section, records in grouped.items():
            if records:
                with formatter.section(section):
                    formatter.write_dl(records)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 (click's)
        """Write the examples."""
        if self.examples:
            with formatter.section("Examples"):
                for index, example in enumerate(self.examples):
                    indent = " " * formatter.current_indent
                    formatter.write("\n" if index else "")
                    formatter.write(f"{indent}# {example.purpose}\n{indent}{example.command}\n")


def _outer_options(ctx: click.Context) -> dict[str, Any]:
    return dict(ctx.find_root().params) if ctx.parent is not None else {}


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
            meant = get_close_matches(args[0], self.list_commands(ctx), n=1)
            advice = f" Did you mean {meant[0]!r}?" if meant else ""
            ctx.fail(f"There is no command {args[0]!r}.{advice}")
        return super().resolve_command(ctx, args)


class LazyGroup(Group):
    """The root command: a verb's module is imported when the verb is used, not before."""

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
    module = importlib.import_module(f"k3k_core.cli.verbs.{VERBS[name].module}")
    return cast("click.Command", module.command)


def help_text(summary: str, details: str = "") -> str:
    """Return the text of a verb's help.

    Args:
        summary: one line.
        details: paragraphs below it.
    """
    return f"{summary}\n\n{details}" if details else summary


def verb(
    name: str,
    *,
    details: str = "",
    examples: Sequence[Example] = (),
    common: Iterable[Callable[[Callable[..., Any]], Callable[..., Any]]] = (),
    **attributes: Any,
) -> Callable[[Callable[..., Any]], VerbCommand]:
    """Make a function the command of a verb of the catalog.

    Args:
        name: name in the catalog, where its summary stands.
        details: what the help says below the summary.
        examples: at least two.
        common: common options it takes (see `k3k_core.cli.options`).
        attributes: passed on to `VerbCommand`.
    """

    def decorate(function: Callable[..., Any]) -> VerbCommand:
        for add in reversed(list(common)):
            function = add(function)
        made = click.command(
            name,
            cls=VerbCommand,
            help=help_text(VERBS[name].summary, details),
            examples=examples,
            **attributes,
        )
        return made(function)

    return decorate
