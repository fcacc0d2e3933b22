"""main(): runs the root command and turns every error into one line on stderr and an exit status."""

from __future__ import annotations

import gc
import io
import os
import sys
import warnings
from contextlib import contextmanager, suppress
from typing import Any, Iterator, List, Optional, Sequence

import click

from cloudinary_cli.cli_group import cli
from cloudinary_cli.command import UnknownCommand
from cloudinary_cli.console import Console
from cloudinary_cli.defaults import logger
from cloudinary_cli.errors import CliError, DetailedExit, NoConfiguration, Terminated
from cloudinary_cli.logs import install_logging
from cloudinary_cli.system.signals import SIGNALS, termination
from cloudinary_cli.text import is_random, one_line, redact, secrets_in

INTERRUPTS = (KeyboardInterrupt, Terminated, click.Abort)
COMPLETION_VARIABLE = "_CLD_COMPLETE"  # Click's, from prog_name

__all__ = ["cli", "main"]


def main(args: Optional[List[str]] = None) -> int:
    """Run `cld` with `args` (default: the process's own, which ends after it) and return the exit status."""
    if args is not None:
        console = Console()
        try:
            with _handled_signals():
                return _run(console, args)
        except INTERRUPTS as error:
            ended = termination(error)
            console.notice(ended.message)
            return ended.exit_code
    if sys.getfilesystemencoding() == "ascii":
        from cloudinary_cli.system.utf8_mode import restart_in_utf8_mode

        restart_in_utf8_mode()
    _complete_output()
    try:
        SIGNALS.install(owns_process=True)
        sys.unraisablehook = _repeat_lost_signal
        status = _flushed(_run(Console(), None))
        SIGNALS.end()
    except INTERRUPTS as error:
        SIGNALS.end_process(termination(error))
    # A worker thread that is refreshing a login saves the new tokens before the process ends.
    SIGNALS.close()
    # The interpreter's garbage collections at exit skip frozen objects, which saves a sixth of a short command's time.
    gc.freeze()
    return status


def _complete_output() -> None:
    """Make writes to stdout and stderr either write the whole text or raise an error."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        try:
            descriptor = stream.fileno()
            if os.name != "nt":
                # Programs such as npm pass on pipes that refuse text while they are full.
                os.set_blocking(descriptor, True)
        except (AttributeError, OSError, ValueError):  # closed
            continue
        if isinstance(getattr(stream, "buffer", None), io.RawIOBase):
            # With PYTHONUNBUFFERED, Python ignores that only a part was written, as on a disk that is almost full.
            buffered = open(descriptor, "w", 1, stream.encoding, stream.errors, closefd=False)  # noqa: SIM115
            setattr(sys, name, buffered)


@contextmanager
def _handled_signals() -> Iterator[None]:
    SIGNALS.install()
    try:
        yield
    finally:
        SIGNALS.uninstall()


def _repeat_lost_signal(unraisable: Any) -> None:
    # Python discards an exception that a signal handler raises inside a finalizer or a weak reference callback.
    if isinstance(unraisable.exc_value, Terminated):
        SIGNALS.deliver_again(unraisable.exc_value.signum)
    else:
        sys.__unraisablehook__(unraisable)


def _run(console: Console, args: Optional[List[str]]) -> int:
    """The exit status of the command; an interrupt is raised."""
    arguments = sys.argv[1:] if args is None else args
    console.hide_secrets_of(arguments)
    completing = COMPLETION_VARIABLE in os.environ
    # The completion of a command line must not write into that line.
    install_logging(console, "CRITICAL" if completing else "INFO")
    if not sys.warnoptions:  # python -W and PYTHONWARNINGS still show them
        # Libraries' warnings for developers (such as the end of support for a Python version) do not help a user.
        warnings.simplefilter("ignore")
    try:
        return exit_status(cli.main(args=args, prog_name="cld", standalone_mode=False, obj=console))
    except INTERRUPTS:
        raise
    except click.ClickException as error:
        if not completing:
            _show_usage_error(console, error, arguments)
        return _status(1, DetailedExit.USAGE)
    except CliError as error:
        _show_error(console, error)
        return _status(error.exit_code, error.detailed_exit_code)
    except SystemExit as ended:  # Click raises it in place of BrokenPipeError, and after a completion
        if not completing:
            _silence(sys.stdout)
        return ended.code if isinstance(ended.code, int) else 1
    except Exception as error:  # noqa: BLE001 - the program's one catch-all: no traceback reaches the user
        logger.debug("Unexpected error", exc_info=True)
        console.error(f"Command execution failed, error: {str(error) or type(error).__name__}")
        return 1


def exit_status(result: Any) -> int:
    """What a command returned as an exit status: False is 1, an integer is itself, anything else is 0."""
    if isinstance(result, DetailedExit):
        return _status(1, result)
    if isinstance(result, bool):
        return 0 if result else 1
    return result if isinstance(result, int) else 0


def _status(plain: int, detailed: int) -> int:
    """The exit status of an error: 1, for existing scripts, or a detailed one on request (docs/exit-codes.md)."""
    return int(detailed) if os.environ.get("CLOUDINARY_CLI_EXIT_CODES") == "detailed" else plain


def _show_error(console: Console, error: CliError) -> None:
    if not isinstance(error, NoConfiguration):
        console.error(error.message)
        return
    # The first line is the error; the other lines are advice, shown without the prefix of an error.
    line, _, advice = error.message.partition("\n")
    console.error(line)
    if advice:
        console.notice(advice)


def _show_usage_error(console: Console, error: click.ClickException, arguments: Sequence[str]) -> None:
    if type(error).__name__ == "NoArgsIsHelpError":  # a group without a sub-command; not in Click 8.1
        console.notice(error.format_message())
        return
    context = getattr(error, "ctx", None)
    if context is not None:
        console.notice(context.get_usage())
        if context.parent is not None:
            console.notice(f"Try '{context.command_path} --help' for help.\n")
    # A random-looking word in a wrong place may be a pasted key; in other messages it is the name of an asset.
    pasted = [word for word in arguments if is_random(word)]
    message = redact(error.format_message(), [*secrets_in(arguments), *pasted])
    # Only the text of MissingParameter has line breaks of Click's own (the list of choices).
    console.notice(f"Error: {message if isinstance(error, click.MissingParameter) else one_line(message, None)}")
    if isinstance(error, UnknownCommand):
        console.notice(error.hint)


def _flushed(status: int) -> int:
    """Flush the streams, and return the exit status. Otherwise the interpreter would do it, and exit with 120."""
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except (OSError, ValueError):
            _silence(stream)
            status = status or int(stream is sys.stdout)
    return status


def _silence(stream: Any) -> None:
    """Discard what a stream has not written: its reader (head, less) has ended, or its disk is full."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


if __name__ == "__main__":
    sys.exit(main())
