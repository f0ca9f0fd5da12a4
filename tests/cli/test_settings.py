"""Settings come from the environment, and what cannot be used is named."""

from __future__ import annotations

import attrs
import pytest

from opencrm.settings import Settings, read_settings, settings_help


def test_an_empty_environment_has_working_defaults() -> None:
    """A workspace in the current folder, served on this machine only."""
    told = read_settings({})
    assert (told.db, told.host, told.port) == ("sqlite:///opencrm.db", "127.0.0.1", 8000)
    assert (told.user, told.plugin_dir, told.safe_mode, told.trace_hooks) == (None, None, False, False)


@pytest.mark.parametrize(
    "given, expected",
    [
        ("a.db", "sqlite:///a.db"),
        ("/var/lib/a.db", "sqlite:////var/lib/a.db"),
        ("sqlite:///a.db", "sqlite:///a.db"),
        ("postgresql://host/a", "postgresql://host/a"),
        ("", "sqlite:///opencrm.db"),
    ],
)
def test_a_database_is_a_url_or_a_file(given: str, expected: str) -> None:
    """A path is an SQLite file; an empty variable is none."""
    assert read_settings({"OPENCRM_DB": given}).db == expected


@pytest.mark.parametrize("word, expected", [("1", True), ("Yes", True), ("on", True), ("0", False), ("", False)])
def test_switches(word: str, expected: bool) -> None:
    """They understand the usual words."""
    assert read_settings({"OPENCRM_SAFE_MODE": word}).safe_mode is expected


@pytest.mark.parametrize(
    "name, value",
    [
        ("OPENCRM_PORT", "65536"),
        ("OPENCRM_PORT", "-1"),
        ("OPENCRM_PORT", "http"),
        ("OPENCRM_PORT", "٣"),
        ("OPENCRM_SAFE_MODE", "ture"),
        ("OPENCRM_TRACE_HOOKS", "maybe"),
        ("OPENCRM_ZONE", "Mars/Base"),
        ("OPENCRM_ZONE", "../etc/passwd"),
        ("OPENCRM_REGION", "gb"),
        ("OPENCRM_CURRENCY", "EURO"),
        ("OPENCRM_BASE_URL", "crm.example.com"),
        ("OPENCRM_BASE_URL", "ftp://crm.example.com"),
        ("OPENCRM_BASE_URL", "https://ann:secret@crm.example.com"),
        ("OPENCRM_BASE_URL", "https://crm.example.com/?x=1"),
        ("OPENCRM_BASE_URL", "https://[crm"),
        ("OPENCRM_BASE_URL", "https://crm.example.com:99999"),
        ("OPENCRM_SMTP_URL", "mail.example.com"),
        ("OPENCRM_SMTP_URL", "smtp://"),
        ("OPENCRM_SESSION_HOURS", "0"),
        ("OPENCRM_SESSION_DAYS", "for ever"),
    ],
)
def test_what_cannot_be_used_is_named(name: str, value: str) -> None:
    """The sentence begins with the variable's name."""
    with pytest.raises(ValueError, match=f"^{name}: "):
        read_settings({name: value})


def test_a_base_url_has_no_slash_at_its_end() -> None:
    """Links are put together from it."""
    assert read_settings({"OPENCRM_BASE_URL": "https://crm.example.com/"}).base_url == "https://crm.example.com"
    assert read_settings({"OPENCRM_BASE_URL": ""}).base_url is None


def test_every_setting_has_a_line_of_help() -> None:
    """The reference can be made of it."""
    assert settings_help().count("OPENCRM_") == len(attrs.fields(Settings))
