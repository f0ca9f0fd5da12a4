"""`opencrm init --preset`: which standard roles a company of some size begins with."""

from __future__ import annotations

import re

import pytest

from opencrm import CRM, ConfigurationError, Grant, Query, Role, RoleTemplate, Scope, hookimpl

SMALL = {"owner", "full_access", "manager_1", "manager_2", "viewer"}
PRESETS = {
    "solo": {"owner", "viewer"},
    "small": SMALL,
    "branches": {*SMALL, "senior_manager", "store"},
    "full": {*SMALL, "senior_manager", "store", "advanced_access", "marketing", "support"},
}


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_chooses_the_roles(call, preset):
    """Those that the reference names, and somebody owns the workspace."""
    assert call("init", "--owner", "Ann", "--preset", preset).exit_code == 0
    exported = call("roles", "export").stdout
    assert {*re.findall(r'^key = "(.*)"$', exported, re.MULTILINE)} == PRESETS[preset]


def test_without_one_all_are_there(call):
    """The default."""
    call("init", "--owner", "Ann")
    assert call("roles", "export").stdout.count("[[roles]]") == 10


def test_an_unknown_one_is_refused(call, tmp_path):
    """Naming those that there are; nothing is made, on the command line and in Python."""
    done = call("init", "--owner", "Ann", "--preset", "huge")
    assert (done.exit_code, "small" in done.stderr) == (2, True)
    crm = CRM(f"sqlite:///{tmp_path}/x.db")
    with pytest.raises(ConfigurationError, match="there is no preset 'huge': choose one of solo, small"):
        crm.init(owner="Ann", preset="huge")
    crm.init(owner="Ann", preset="solo")
    crm.close()


class Fitters:
    """A plugin with a role for all, and one for companies with branches."""

    @hookimpl
    def opencrm_register_roles(self):
        grants = [Grant("deal", "read", Scope.OWN)]
        yield RoleTemplate(key="fitter", name="Fitter", rank=10, grants=grants)
        yield RoleTemplate(key="foreman", name="Foreman", rank=20, grants=grants, presets=["branches"])


BOTH = {"fitter", "foreman"}


@pytest.mark.parametrize("preset, keys", [("solo", {"fitter"}), ("branches", BOTH), ("full", BOTH)])
def test_roles_of_plugins_say_for_whom_they_are(tmp_path, preset, keys):
    """For all, unless they name presets; the full one has every role."""
    crm = CRM(f"sqlite:///{tmp_path}/x.db", plugins=[Fitters()])
    owner = crm.init(owner="Ann", preset=preset)
    with crm.read(owner) as reader:
        assert {row.key for row in reader.list(Query(Role))} - PRESETS["full"] == keys
    crm.close()


def test_a_template_names_presets_that_there_are():
    """A typo is an error where it stands."""
    with pytest.raises(ValueError, match="presets: 'smal' is none of solo, small, branches, full"):
        RoleTemplate(key="x", name="X", rank=1, grants=[], presets=["smal"])
