"""Verbs: options by section, examples as data, common options before or after the verb."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import click

from k3k_core.cli.catalog import VERBS
from k3k_core.cli.option import COMMON, CONTEXT_SETTINGS, Option


@dataclass(frozen=True, slots=True)
class Example:
    """One example of a verb's help.

    Attributes:
        purpose: what it is for, one short line.
        command: a command line that parses.
    """

    purpose: str
    command: str


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
        try:
            return super().parse_args(ctx, head + args[end:])
        except click.UsageError as error:
            # Some of click's own do not say which command they are about.
            error.ctx = error.ctx or ctx
            raise

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
