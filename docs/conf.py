"""Sphinx configuration: `make docs` builds with warnings as errors."""

from importlib.metadata import version as installed_version

project = "opencrm"
author = "The opencrm contributors"
copyright = f"2026, {author}"
version = release = installed_version("opencrm")

extensions = ["myst_parser", "sphinx.ext.autodoc"]
exclude_patterns = ["_build"]

myst_enable_extensions = ["attrs_inline", "colon_fence", "deflist"]
myst_heading_anchors = 3
autodoc_typehints = "description"
autodoc_member_order = "bysource"

html_theme = "furo"
html_title = f"opencrm {release}"
