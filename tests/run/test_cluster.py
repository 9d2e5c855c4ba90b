"""The same run on a Dask cluster: the same bytes, whatever becomes of its workers."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from typer.testing import CliRunner
from written import contents

import fastecg
from fastecg.cli import app
from fastecg.run import dataset
from fastecg.run.drawing import Task
from fastecg.writers import write_record

distributed = pytest.importorskip("distributed")
pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")]

OPTIONS = {"dpi": 50.0, "recipe": "scan"}


@pytest.fixture(scope="module")
def records(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("records")
    for seed in range(16):
        write_record(folder / f"r{seed:02}", fastecg.simulate(fs=100, seed=seed))
    (folder / "bad.hea").write_text("bad 1 500 5000\nbad.dat 16 200 16 0 0 0 0 I\n")
    return folder


@pytest.fixture(scope="module")
def whole(records, tmp_path_factory) -> dict[str, bytes]:
    out = tmp_path_factory.mktemp("whole")
    dataset.render_dataset([records], out, workers=1, **OPTIONS)
    return contents(out)


@pytest.fixture(scope="module")
def cluster():
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster:
        yield cluster


def test_a_cluster_writes_the_same_bytes_though_a_worker_is_killed(records, whole, cluster, tmp_path):
    with distributed.Client(cluster) as client:
        doomed = sorted(client.run(os.getpid).values())[0]
        killed = []

        def kill_half_way(progress: dataset.Progress) -> None:
            if progress.done == 6:
                os.kill(doomed, 9)
                killed.append(doomed)

        summary = dataset.render_dataset([records], tmp_path, client=client, progress=kill_half_way, **OPTIONS)
        assert killed
        assert doomed not in client.run(os.getpid).values()
    assert (summary.pages, [record for record, _ in summary.failures]) == (16, ["bad"])
    assert contents(tmp_path) == whole


def test_the_command_draws_on_a_cluster_and_goes_on(records, whole, cluster, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # the workers are elsewhere
    words = ["render", os.path.relpath(records), "-o", "out", "--dpi", "50", "--recipe", "scan", "--dask", cluster.scheduler_address]
    first = CliRunner().invoke(app, [*words, "--shard", "1/3"])
    assert first.exit_code in (0, 1)
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 1
    assert "images were there already" in result.stderr
    assert contents(tmp_path / "out") == whole


def test_a_record_that_kills_workers_fails_alone(records, cluster, tmp_path, monkeypatch):
    class Future:
        key = "k"

        def exception(self) -> Exception:
            return distributed.KilledWorker("k", None, 3)

    from fastecg.run.cluster import _drawn

    drawn = _drawn(Future(), Task("r", tmp_path))
    assert drawn.error.startswith("r: the workers that drew it died")


def test_no_scheduler_is_one_line_and_status_2(records, tmp_path):
    result = CliRunner().invoke(app, ["render", str(records), "-o", str(tmp_path / "out"), "--dask", "127.0.0.1:9"])
    assert result.exit_code == 2
    assert "no Dask scheduler answers" in result.stderr
    assert not (tmp_path / "out").exists()
