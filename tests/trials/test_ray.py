"""Trials on a Ray cluster of two nodes, one of which is killed."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from muslin.ablation import Study, Watcher, ablate
from muslin.data import Dataset
from muslin.design import Design
from muslin.recipe import Recipe
from muslin.trials.executor import Job

if importlib.util.find_spec("ray") is None:
    pytest.skip("Ray is not installed: pip install '.[ray]'", allow_module_level=True)

# Ray's own, none of ours.
pytestmark = [pytest.mark.filterwarnings("ignore::Warning"), pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Two nodes of one processor each, and this process connected to them."""
    import ray  # noqa: PLC0415
    from ray.cluster_utils import Cluster  # noqa: PLC0415

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "object_store_memory": 100_000_000})
    cluster.second = cluster.add_node(num_cpus=1, object_store_memory=100_000_000)
    cluster.wait_for_nodes()
    ray.init(address=cluster.address, log_to_driver=False)
    yield cluster
    ray.shutdown()
    cluster.shutdown()


def values(study: Study) -> dict[str, tuple[float, float]]:
    return {row.key: (row.result.accuracy, row.result.loss) for row in study.store.trials().values() if row.result}


class KillNode(Watcher):
    """Kills a node after the fourth trial, as soon as a trial is under way on it."""

    def __init__(self, cluster: Any) -> None:
        self.cluster, self.killed, self.answers = cluster, False, []

    def on_trial(self, study: Study, trial: Any, row: Any, waiting: int) -> None:
        self.answers.append(trial.key)
        if len(self.answers) >= 4 and not self.killed and self.busy():
            self.cluster.remove_node(self.cluster.second, allow_graceful=False)
            self.killed = True

    def busy(self) -> bool:
        from ray._private.state import available_resources_per_node  # noqa: PLC0415

        left = available_resources_per_node()[self.cluster.second.node_id]
        return left.get("CPU", 0) < 1


def test_a_lost_node_costs_the_trials_in_flight_and_results_are_those_of_this_machine(
    cluster: Any, tiny: Design, few: Dataset, recipe: Recipe, tmp_path: Path
) -> None:
    from muslin.trials.ray import RayExecutor  # noqa: PLC0415

    recipe = recipe.with_(epochs=20)  # long enough that a trial seen under way is still under way when its node dies
    settings = {"decisions": ("pooling", "filters"), "seeds": 8}
    here = ablate(tiny, few, recipe, out=tmp_path / "here", **settings)
    watch = KillNode(cluster)
    there = ablate(tiny, few, recipe, out=tmp_path / "there", executor=RayExecutor(few), watch=watch, **settings)
    assert watch.killed
    assert len(watch.answers) == len(set(watch.answers)) == len(here.plan.arms) * 8
    assert values(there) == values(here)
    rows = there.store.trials().values()
    assert all(row.cause is None for row in rows)
    assert max(row.attempts for row in rows) == 2  # what the node had under way


@pytest.mark.long
def test_ray_adds_less_than_three_per_cent_to_trials_of_ten_seconds(cluster: Any, few: Dataset) -> None:
    """Measured on trials that do nothing, so that what is left is Ray's: per trial it must stay below 0.3 s."""
    from muslin.trials.ray import RayExecutor  # noqa: PLC0415

    jobs = [Job(str(number), "{}") for number in range(100)]  # each fails at once: it asks for nothing
    with RayExecutor(few) as executor:
        list(executor.run(jobs[:5]))  # starts the worker processes
        started = time.perf_counter()
        answers = list(executor.run(jobs))
        seconds = (time.perf_counter() - started) / len(jobs) * executor.workers
    assert {answer.key for answer in answers} == {job.key for job in jobs}
    assert seconds < 0.3
