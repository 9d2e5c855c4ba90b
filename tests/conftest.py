"""How many examples property tests try."""

import os

from hypothesis import HealthCheck, settings

# On a busy machine an example may take any time, so none has a deadline.
_ANY_TIME = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
# The same examples in every run: what fails on one machine fails on all. FASTECG_LONG tries more, and new ones each time.
settings.register_profile("usual", max_examples=30, derandomize=True, **_ANY_TIME)
settings.register_profile("long", max_examples=1000, **_ANY_TIME)
settings.load_profile("long" if os.environ.get("FASTECG_LONG") else "usual")
