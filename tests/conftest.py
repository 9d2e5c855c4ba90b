"""How many examples property tests try, and how many cores a process that tests has."""

import os

# Processes that test side by side share the cores: threads that wait for work keep other processes from it.
_PROCESSES = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
if _PROCESSES > 1:
    for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(_name, "1")

from hypothesis import HealthCheck, settings  # noqa: E402

from fastecg.system.cores import share_with  # noqa: E402

share_with(_PROCESSES)

# On a busy machine an example may take any time, so none has a deadline.
_ANY_TIME = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
# The same examples in every run: what fails on one machine fails on all. FASTECG_LONG tries more, and new ones each time.
settings.register_profile("usual", max_examples=30, derandomize=True, **_ANY_TIME)
settings.register_profile("long", max_examples=1000, **_ANY_TIME)
settings.load_profile("long" if os.environ.get("FASTECG_LONG") else "usual")
