"""What all tests share: the published test kit, and how hypothesis is to behave."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "opencrm",
    deadline=None,  # The first call of a statement compiles it.
    derandomize=True,  # A red build must be red again tomorrow.
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("opencrm")


def pytest_configure(config: pytest.Config) -> None:
    """Find the test kit where opencrm runs from its sources and no entry point names it."""
    if not config.pluginmanager.has_plugin("opencrm"):
        config.pluginmanager.import_plugin("opencrm.testing.plugin")
