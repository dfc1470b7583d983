"""Settings of the whole suite."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

quiet = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
settings.register_profile("default", max_examples=25, deadline=None, suppress_health_check=quiet)
settings.register_profile("nightly", max_examples=2500, deadline=None, suppress_health_check=quiet)
settings.load_profile(os.environ.get("SPIKEMCU_TEST_PROFILE", "default"))
