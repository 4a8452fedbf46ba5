"""Entry point of the `k3k` command: the streams, the exit code, and no traceback for anybody."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from k3k_core.cli.catalog import COMPLETE_VARIABLE, PROGRAM


def main(args: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        args: the command line without the program, the process's unless told.

    Returns:
        The exit code: 0 done, 1 failed, 2 wrong use, 3 not found, 4 conflict, 5 not ready in time,
        6 unreachable, 7 forbidden, 130 interrupted, 141 nobody reads the output any more.
    """
    try:
        if args is None:
            _collect_less_garbage()
        _prepare_streams()
        code = _run(list(sys.argv[1:] if args is None else args))
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        return _nobody_reads()
    except KeyboardInterrupt:
        return 130
    except OSError as error:
        sys.stderr.write(f"{PROGRAM}: Could not write the output: {error.strerror}.\n")
        _discard_output()
        return 1


def _prepare_streams() -> None:
    """Make both output streams usable whatever they are: closed ones swallow, others never fail to encode."""
    import io

    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115 (lives until exit)
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _run(args: list[str]) -> int:
    from k3k_core.cli.app import cli

    instruction = os.environ.get(COMPLETE_VARIABLE)
    if instruction:
        from k3k_core.cli.complete import answer_shell

        return answer_shell(cli, instruction)
    return run_command(args)


def run_command(args: list[str]) -> int:
    """Parse and run a command line; failures are told on standard error.

    Args:
        args: the command line without the program.

    Returns:
        The exit code.

    Raises:
        BrokenPipeError: nobody reads the output any more.
    """
    import click

    from k3k_core.cli.app import cli
    from k3k_core.cli.terminal import at_a_terminal

    if not args and not at_a_terminal():
        args = ["--help"]
    root: click.Context | None = None
    try:
        with cli.make_context(PROGRAM, args, terminal_width=_help_width()) as root:
            cli.invoke(root)
        sys.stdout.flush()
        return 0
    except click.exceptions.Exit as ending:
        return ending.exit_code
    except BrokenPipeError:
        raise
    except BaseException as error:
        if isinstance(error, SystemExit):
            raise
        return _report(error, root.invoked_subcommand if root is not None else None)


def _collect_less_garbage() -> None:
    """Let imports and one list pass without collections, which take time and find nothing there."""
    import gc

    gc.set_threshold(50_000, 20, 20)


def _help_width() -> int:
    """Return how wide help may be; click would import half of the standard library's archives to find out."""
    try:
        columns = int(os.environ.get("COLUMNS") or os.get_terminal_size(1).columns)
    except (ValueError, OSError):
        columns = 80
    return max(min(columns, 100) - 2, 50)


def _report(error: BaseException, verb: str | None) -> int:
    from k3k_core.cli.failures import explain

    failure = explain(
        error,
        resumable=verb
        in {
            "backup",
            "create",
            "delete",
            "etcd",
            "migrate",
            "pause",
            "prune",
            "restart",
            "resume",
            "rollback",
            "rotate",
            "upgrade",
        },
    )
    sys.stdout.flush()
    sys.stderr.write(f"{failure}\n")
    return failure.code


def _discard_output() -> None:
    """Point standard output nowhere, so that the interpreter's last flush cannot fail."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)


def _nobody_reads() -> int:
    _discard_output()
    return 141


if __name__ == "__main__":
    sys.exit(main())
