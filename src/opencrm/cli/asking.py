"""Asking whoever sits at the terminal: whether there is somebody, and for a password, hidden and twice."""

from __future__ import annotations

import os
import sys
from functools import partial

import click


def at_terminal() -> bool:
    """Say whether somebody can be asked."""
    return sys.stdin.isatty()


def chosen_password(prompt: str, email: str | None, *, variable: str, ask: bool) -> str | None:
    """Return a password that may be chosen: the environment's, else what is typed; None where there is none.

    Args:
        prompt: What to ask for.
        email: The address of whose it will be.
        variable: The variable that may hold it, for scripts and containers.
        ask: Whether somebody can be asked.

    Raises:
        InputError: The variable's password cannot be chosen.
    """
    from opencrm.services.identity.passwords.hashing import check_new

    given = os.environ.get(variable, "")
    if given:
        return check_new(given, email)
    if not ask:
        return None
    typed: str = click.prompt(
        prompt,
        default="",
        show_default=False,
        hide_input=True,
        confirmation_prompt=True,
        value_proc=partial(_fit, email),
    )
    return typed or None


def _fit(email: str | None, typed: str) -> str:
    """Return what was typed, or say what is wrong with it, so that it is asked for again."""
    from opencrm.errors import InputError
    from opencrm.services.identity.passwords.hashing import check_new

    if not typed:
        return typed
    try:
        return check_new(typed, email)
    except InputError as error:
        raise click.UsageError(str(error)) from None
