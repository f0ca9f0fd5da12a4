"""Finding and loading plugins: metadata first, and a broken one leaves the rest alive."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from opencrm.errors import ConfigurationError, PluginError
from opencrm.hooks import Hooks, discover, fitting, load, load_all

SOUND = """
from opencrm.core.pipeline import Pipeline
from opencrm.hooks import hookimpl

__version__ = "1.2"

@hookimpl
def opencrm_register_pipelines():
    yield Pipeline({key!r}, ["new"], moves=())
"""

MARKED = "from opencrm.hooks import hookimpl\n@hookimpl\n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder of plugins; what is imported from it is forgotten afterwards."""
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        monkeypatch.delitem(sys.modules, name)


def write(folder: Path, name: str, text: str) -> None:
    (folder / f"{name}.py").write_text(text, encoding="utf-8")


def install(folder: Path, monkeypatch, name: str, *, requires: str = "opencrm", value: str = "") -> None:
    """Put a distribution's metadata on the path, as pip would."""
    info = folder / f"opencrm_{name}-2.0.dist-info"
    info.mkdir()
    lines = ["Metadata-Version: 2.1", f"Name: opencrm-{name}", "Version: 2.0", f"Requires-Dist: {requires}"]
    (info / "METADATA").write_text("\n".join(lines) + "\n")
    (info / "entry_points.txt").write_text(f"[opencrm]\n{name} = {value or f'opencrm_{name}'}\n")
    monkeypatch.syspath_prepend(folder)


def found_by_name(folder: Path | None = None, builtins=None):
    return {found.name: found for found in discover(builtins or {}, folder)}


def test_a_file_is_found_and_loaded(folder):
    """Its name is the file's; what it says about itself is known before it runs."""
    write(folder, "alpha", SOUND.format(key="alpha"))
    found = found_by_name(folder)["alpha"]
    assert (found.version, found.source, found.refused) == ("1.2", "file", None)
    plugin = load(found)
    assert (plugin.name, plugin.version, plugin.source) == ("alpha", "1.2", "file")
    assert [it.value.key for it in Hooks([plugin]).pipelines()] == ["alpha"]


def test_finding_runs_nothing(folder):
    """A file that would raise is found all the same."""
    write(folder, "alpha", "raise RuntimeError('ran')")
    assert found_by_name(folder)["alpha"].refused is None


def test_a_file_is_imported_once_in_the_process(folder):
    """Classes are process-wide: a second workspace gets the same module."""
    write(folder, "alpha", SOUND.format(key="alpha"))
    found = found_by_name(folder)["alpha"]
    assert load(found).module is load(found).module


def test_annotations_of_a_file_can_be_looked_up(folder):
    """A mapped class written with postponed annotations finds its module."""
    text = """
        from __future__ import annotations
        from opencrm.core.entities import Entity
        from opencrm.core.fields import Text, field
        from opencrm.hooks import hookimpl
        from sqlalchemy.orm import Mapped

        class Base(Entity, prefix="alpha"):
            pass

        class Bill(Base):
            number: Mapped[str] = field(Text(50))

        @hookimpl
        def opencrm_register_entities():
            yield Bill
    """
    write(folder, "alpha", "\n".join(line[8:] for line in text.splitlines()))
    plugin = load(found_by_name(folder)["alpha"])
    assert [it.value.spec.name for it in Hooks([plugin]).entities()] == ["alpha_bill"]


@pytest.mark.parametrize(
    "text,reason",
    [
        (
            "__requires__ = 'no-such-thing-anywhere>=1'",
            "needs no-such-thing-anywhere>=1, which is not installed",
        ),
        ("__requires__ = ['attrs>=9999']", "needs attrs>=9999, and .* is installed"),
        ("__requires__ = 'attrs >>> 1'", "requirements cannot be read"),
        ("__requires__ = 5", "__requires__ must be"),
        ("__requires__ = [5]", "__requires__ must be"),
        ("__version__ = read()", "cannot be read"),
        ("__version__ = 1", "__version__ must be text"),
        ("__hook_api__ = 99", "is written for hook API 99, not 1"),
        ("def broken(:", "cannot be read"),
        ("text = '\0'", "cannot be read"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_unread(folder, text, reason):
    """Its code does not run, and the reason is listed."""
    write(folder, "alpha", f"{text}\nraise SystemExit('ran')\n")
    _, [(_, why)] = load_all([found_by_name(folder)["alpha"]])
    with pytest.raises(PluginError, match=reason):
        load(found_by_name(folder)["alpha"])
    assert "ran" not in why


def test_requirements_for_other_machines_do_not_count(folder):
    """A requirement with a marker that does not hold here, or of an extra, asks for nothing."""
    write(
        folder,
        "alpha",
        "__requires__ = ['no-such-thing; python_version < \"3\"', 'no-such; extra == \"x\"', 'attrs>=1']",
    )
    assert found_by_name(folder)["alpha"].refused is None


def test_a_package_is_found_by_its_entry_point(folder, monkeypatch):
    """Its distribution's metadata says which versions it accepts; nothing of it is imported."""
    install(folder, monkeypatch, "fitting", requires="opencrm>=0.0.1,<9")
    found = found_by_name()["fitting"]
    assert (found.version, found.source, found.requires) == ("2.0", "package", "<9,>=0.0.1")
    assert "opencrm_fitting" not in sys.modules


def test_a_package_for_another_opencrm_is_not_imported(folder, monkeypatch):
    """It is listed with the reason."""
    opencrm = folder / "opencrm-0.1.0.dist-info"
    opencrm.mkdir()
    (opencrm / "METADATA").write_text("Metadata-Version: 2.1\nName: opencrm\nVersion: 0.1.0\n")
    install(folder, monkeypatch, "modern", requires="opencrm>=9")
    write(folder, "opencrm_modern", "raise SystemExit('ran')")
    found = found_by_name()["modern"]
    assert found.refused == "needs opencrm>=9, and 0.1.0 is installed"
    with pytest.raises(PluginError, match="'modern': needs opencrm>=9"):
        load(found)


def test_an_entry_point_may_name_an_object(folder, monkeypatch):
    """`module:object` gives a plugin with methods."""
    install(folder, monkeypatch, "objects", value="opencrm_objects:plugin")
    lines = ["class P:", "    @hookimpl", "    def opencrm_on_change(self, entry): ...", "plugin = P()"]
    write(folder, "opencrm_objects", "\n".join(["from opencrm.hooks import hookimpl", *lines]))
    assert [it.hook for it in load(found_by_name()["objects"]).implementations] == ["opencrm_on_change"]


def test_the_earlier_keeps_a_name(folder):
    """The box comes before packages and files."""
    write(folder, "standard_roles", SOUND.format(key="x"))
    every = discover({"standard_roles": "opencrm.plugins.standard_roles"}, folder)
    assert [(found.source, found.refused) for found in every if found.name == "standard_roles"] == [
        ("box", None),
        ("file", "the name is taken by opencrm.plugins.standard_roles"),
    ]


def test_files_that_begin_with_an_underscore_are_left_out(folder):
    """They are what the others share."""
    write(folder, "_shared", "")
    assert not any(found.source == "file" for found in discover({}, folder))


def test_a_folder_that_does_not_exist_is_an_error(tmp_path):
    """A mistyped folder must not look like no plugins."""
    with pytest.raises(ConfigurationError, match="does not exist"):
        discover({}, tmp_path / "nowhere")


def test_a_broken_plugin_leaves_the_rest_alive(folder):
    """Every way of being broken is listed with its name and its reason; the sound ones start."""
    broken = {
        "b_import": "import no_such_module_anywhere",
        "b_exit": "raise SystemExit(1)",
        "b_syntax": "def x(:",
        "b-name": "",
        "b_typo": MARKED + "def opencrm_chek_move(changes): ...",
        "b_argument": MARKED + "def opencrm_check_move(changes, session): ...",
        "b_unmarked": "def opencrm_check_move(changes, door): ...",
        "b_late": SOUND.format(key="late") + "    raise LookupError('late')\n",
        "b_clash": SOUND.format(key="alpha"),
    }
    for name, text in broken.items():
        write(folder, name, text)
    write(folder, "alpha", SOUND.format(key="alpha"))
    write(folder, "sound", SOUND.format(key="sound"))
    found = [each for each in discover({}, folder) if each.source == "file"]
    plugins, refused = load_all(found)
    assert [plugin.name for plugin in plugins] == ["alpha", "sound"]
    assert sorted(broken) == sorted(name for name, _ in refused)
    assert all(repr(name) in reason for name, reason in refused)
    assert [it.value.key for it in Hooks(plugins).pipelines()] == ["alpha", "sound"]


def test_a_file_that_failed_can_be_tried_again(folder):
    """What broke on import leaves no half-made module behind."""
    write(folder, "alpha", "raise RuntimeError")
    found = found_by_name(folder)["alpha"]
    with pytest.raises(PluginError, match="RuntimeError"):
        load(found)
    write(folder, "alpha", SOUND.format(key="alpha"))
    assert load(found).name == "alpha"


def test_what_cannot_be_active_together_is_left_out(folder):
    """The earlier keeps what both claim, so that the workspace starts; alone, either may be active."""
    for name in ("alpha", "beta"):
        write(folder, name, SOUND.format(key="same"))
    found = found_by_name(folder)
    alpha, beta = load(found["alpha"]), load(found["beta"])
    kept, [(name, reason)] = fitting([beta, alpha])
    assert ([beta], "alpha") == (kept, name)
    assert "pipeline 'same' is registered by 'beta' already" in reason
    assert fitting([alpha]) == ([alpha], [])
