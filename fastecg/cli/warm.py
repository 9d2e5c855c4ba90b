"""``fastecg warm``: kernels compiled beforehand."""

from __future__ import annotations


def warm() -> None:
    """Compile every kernel once: for images of containers, and before a cluster's jobs start. Takes a few minutes.

    The machine code lies in the user's cache, or where FASTECG_CACHE_DIR says; it holds for this version on processors of this kind.

    For example, in a Dockerfile:

        ENV FASTECG_CACHE_DIR=/opt/fastecg

        RUN fastecg warm && chmod -R a+rX /opt/fastecg
    """
    from fastecg.cli.report import Reporter
    from fastecg.run.warm import warm as compile_all

    reporter = Reporter()
    compile_all(reporter.say)
    reporter.say("all kernels are compiled")
