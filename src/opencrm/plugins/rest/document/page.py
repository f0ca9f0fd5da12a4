"""The OpenAPI document, and the page that shows it without the internet."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import attrs
from flask import Blueprint, Response, request, send_file
from markupsafe import escape
from werkzeug.exceptions import NotFound

from opencrm import CRM
from opencrm.embed import Configuration, Spec
from opencrm.plugins.rest.answering.answers import answer
from opencrm.plugins.rest.asking import cookies
from opencrm.plugins.rest.asking.requests import principal
from opencrm.plugins.rest.document.building import document

_STATIC = Path(__file__).parents[1] / "static"
_MOST_KEPT = 20
_NEEDED = ("swagger-ui.css", "swagger-ui-bundle.js", "swagger-init.js")
_KINDS: Mapping[str, str] = MappingProxyType(
    {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".txt": "text/plain; charset=utf-8"}
)
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>opencrm REST API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="{root}/docs/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="{root}/docs/swagger-ui-bundle.js" defer></script>
<script src="{root}/docs/swagger-init.js" data-spec="{root}/v1/openapi.json" defer></script>
</body>
</html>
"""
_NOT_BUILT = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>opencrm REST API</title><link rel="icon" href="data:,"></head>
<body>
<h1>The documentation's page is not built</h1>
<p>REST answers all the same; its description is <a href="{root}/v1/openapi.json">openapi.json</a>.</p>
<p>An installed package carries this page. In a source tree, <code>pip install -e .</code> builds it.</p>
</body>
</html>
"""


class Documentation:
    """Answers with what there is to read about a workspace's REST.

    To everybody the document tells what opencrm and plugins declare; with a token it tells the fields that its holder
    may read, with those that the workspace defined for itself.

    Args:
        crm: The workspace.
        static: The folder of the built assets.
    """

    def __init__(self, crm: CRM, static: Path = _STATIC) -> None:
        self._crm = crm
        self._static = static
        self._kept: OrderedDict[Hashable, dict[str, Any]] = OrderedDict()

    def blueprint(self) -> Blueprint:
        """Return the routes."""
        routes = Blueprint("documentation", __name__)
        routes.add_url_rule("/v1/openapi.json", "openapi", self.openapi)
        routes.add_url_rule("/docs", "page", self.page)
        routes.add_url_rule("/docs/<name>", "asset", self.asset)
        return routes

    def openapi(self) -> Response:
        """Answer with the document of the configuration in force."""
        if "Authorization" in request.headers or cookies.secret():
            with self._crm.read(principal()) as reader:
                configuration, known = reader.configuration, reader.rights.readable
        else:
            configuration, known = self._crm.configuration, _declared
        entities = {name: known(spec) for name, spec in configuration.catalogue.entities.items()}
        found = self._document(configuration, entities)
        return answer({**found, "servers": [{"url": f"{request.root_path}/v1"}]})

    def _document(self, configuration: Configuration, known: Mapping[str, frozenset[str]]) -> dict[str, Any]:
        """Return the document of what is known, made once for all who know the same."""
        catalogue = configuration.catalogue
        key = (catalogue.edition, catalogue.plugins, tuple(known.items()))
        if key not in self._kept:
            narrowed = {name: spec.narrowed(known[name]) for name, spec in catalogue.entities.items()}
            catalogue = attrs.evolve(catalogue, entities=narrowed)
            self._kept[key] = document(catalogue, configuration.schemas, configuration.locale)
            while len(self._kept) > _MOST_KEPT:
                self._kept.popitem(last=False)
        return self._kept[key]

    def page(self) -> Response:
        """Answer with the page, or say that it is not built."""
        built = all((self._static / name).is_file() for name in _NEEDED)
        text = (_PAGE if built else _NOT_BUILT).format(root=escape(request.root_path))
        headers = {"Content-Security-Policy": _POLICY, "Cache-Control": "no-cache"}
        return Response(text, 200 if built else 503, headers, mimetype="text/html")

    def asset(self, name: str) -> Response:
        """Answer with a part of the page."""
        path = self._static / name
        kind = _KINDS.get(path.suffix)
        if kind is None or name not in {each.name for each in _files(self._static)}:
            raise NotFound
        response = send_file(path, mimetype=kind, conditional=True, max_age=3600)
        response.headers["Content-Security-Policy"] = _POLICY
        return response


def _declared(spec: Spec) -> frozenset[str]:
    return frozenset(name for name, field in spec.fields.items() if not field.defined)


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.is_file()] if folder.is_dir() else []
