"""Where errors become one line on stderr and an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import IO, Any

import click

from opencrm.errors import (
    ConfigurationError,
    ConflictError,
    DomainError,
    InputError,
    NotFound,
    OpenCRMError,
    PermissionDenied,
)

EXIT_CODES: tuple[tuple[type[OpenCRMError], int], ...] = (
    (InputError, 3),
    (PermissionDenied, 4),
    (NotFound, 5),
    (DomainError, 6),
    (ConflictError, 7),
    (ConfigurationError, 8),
)
INTERNAL = 1
INTERRUPTED = 130  # 128 and the number of SIGINT, as shells have it


class Failure(click.ClickException):
    """An error as the command line shows it: `opencrm: CODE: message`."""

    def __init__(self, code: str, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.code = code
        self.exit_code = exit_code  # type: ignore[misc]  # click reads it from the instance

    def show(self, file: IO[Any] | None = None) -> None:
        if self.__cause__ is not None and debugging():
            from traceback import print_exception  # Slow to import, seldom needed.

            print_exception(self.__cause__, file=file or sys.stderr)
        click.echo(line(self.code, self.message), file=file or sys.stderr)


def exit_code(error: OpenCRMError) -> int:
    """Return the exit code of an error's class."""
    return next((number for kind, number in EXIT_CODES if isinstance(error, kind)), INTERNAL)


def line(code: str, message: str) -> str:
    """Return the one line that a user sees, without what a terminal would obey."""
    shown = "".join(letter if letter.isprintable() else " " for letter in message)
    return f"opencrm: {code}: {' '.join(shown.split())}"


def debugging() -> bool:
    """Say whether the user asked for tracebacks."""
    return os.environ.get("OPENCRM_DEBUG", "").lower() in ("1", "true", "yes", "on")


@contextmanager
def border() -> Iterator[None]:
    """Turn what a command raises into what click shows and exits with."""
    try:
        yield
        sys.stdout.flush()  # A reader that went away is met here, not at the end of the interpreter.
    except OpenCRMError as error:
        raise Failure(error.code, str(error), exit_code(error)) from error
    except click.exceptions.NoArgsIsHelpError:
        raise
    except click.UsageError as error:
        raise Failure("usage", _usage(error), error.exit_code) from error
    except KeyboardInterrupt:
        raise click.exceptions.Exit(INTERRUPTED) from None
    except Exception as error:
        found = _of_the_database(error)
        if found is None:
            raise
        raise Failure(found.code, str(found), exit_code(found)) from error


def _of_the_database(error: Exception) -> OpenCRMError | None:
    """Return what an error of the database means that nobody translated, such as in a plugin's command."""
    known = sys.modules.get("sqlalchemy.exc")  # Slow to import: where nobody did, it is no error of the database.
    if known is None or not isinstance(error, known.OperationalError | known.InterfaceError):
        return None
    from opencrm.storage.translation import from_driver

    return from_driver(error.orig or error)


def install_last_resort() -> None:
    """Show what nobody foresaw as one line, too; OPENCRM_DEBUG=1 shows where it came from."""
    if not debugging():
        sys.excepthook = _last_resort


def _last_resort(kind: type[BaseException], error: BaseException, _trace: TracebackType | None) -> None:
    message = f"{kind.__name__}: {error} (OPENCRM_DEBUG=1 shows where)"
    sys.stderr.write(line("internal", message) + "\n")


def _usage(error: click.UsageError) -> str:
    command = f" (see `{error.ctx.command_path} --help`)" if error.ctx else ""
    return f"{error.format_message().rstrip('.')}{command}"
