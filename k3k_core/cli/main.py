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
        from k3k_core.cli.terminal import prepare_streams

        prepare_streams()
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

    if not args:
        args = ["--help"]
    root: click.Context | None = None
    try:
        with cli.make_context(PROGRAM, args) as root:
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


def _report(error: BaseException, verb: str | None) -> int:
    from k3k_core.cli.failures import explain

    failure = explain(error, resumable=verb in {"create", "delete"})
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
