"""``fastecg warm``: compile all kernels in advance."""

from __future__ import annotations


def warm() -> None:
    """Compile all kernels in advance, for container images or before jobs start on a cluster. This takes a few minutes.

    The machine code is stored in the user's cache, or in FASTECG_CACHE_DIR. It is valid for this version and this type of processor.

    For example, in a Dockerfile:

        ENV FASTECG_CACHE_DIR=/opt/fastecg

        RUN fastecg warm && chmod -R a+rX /opt/fastecg
    """
    from fastecg.cli.report import Reporter
    from fastecg.run.warm import warm as compile_all

    reporter = Reporter()
    compile_all(reporter.say)
    reporter.say("all kernels are compiled")
