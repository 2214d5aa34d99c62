"""Worker processes: lost ones are replaced, nothing is lost or done twice."""

from __future__ import annotations

import json
import os
import resource
import signal
from pathlib import Path

import numpy as np
import pytest

from muslin.data import Dataset
from muslin.design import Design
from muslin.recipe import Recipe
from muslin.trials.arm import Arm
from muslin.trials.executor import Job
from muslin.trials.local import LocalExecutor
from muslin.trials.shared import open_shared, share
from muslin.trials.trial import Trial, run_trial, shifted, work


def jobs(tiny: Design, recipe: Recipe, data: Dataset, seeds: int) -> list[Job]:
    arm = Arm(tiny.edited(()), recipe)
    trials = [Trial(arm, seed, data.fingerprint, vary_split=False, precision="float32") for seed in range(seeds)]
    return [Job(trial.key, trial.to_json()) for trial in trials]


def test_workers_give_what_this_process_gives(tiny: Design, recipe: Recipe, few: Dataset, tmp_path: Path) -> None:
    asked = jobs(tiny, recipe, few, 3)
    with LocalExecutor(few, tmp_path, workers=2) as executor:
        answers = {answer.key: json.loads(answer.text or "") for answer in executor.run(asked)}
    here = {job.key: json.loads(work(job.message, few, lambda: None)) for job in asked}
    for key, result in here.items():
        assert answers[key] | {"seconds": 0} == result | {"seconds": 0}


def test_a_killed_worker_is_replaced_and_its_job_done_again(
    tiny: Design, recipe: Recipe, few: Dataset, tmp_path: Path
) -> None:
    asked = jobs(tiny, recipe.with_(epochs=5), few, 4)
    with LocalExecutor(few, tmp_path, workers=1) as executor:
        run = executor.run(asked)
        answers = [next(run)]
        os.kill(executor.processes[0], signal.SIGKILL)
        answers += list(run)
    assert sorted(answer.key for answer in answers) == sorted(job.key for job in asked)
    assert all(answer.text for answer in answers)
    assert max(answer.attempts for answer in answers) <= 2


def test_a_hung_worker_is_ended_and_after_some_tries_the_job_has_failed(few: Dataset, tmp_path: Path) -> None:
    class Stopping(LocalExecutor):
        def _start(self) -> None:
            super()._start()
            os.kill(self.processes[-1], signal.SIGSTOP)

    with Stopping(few, tmp_path, workers=1, patience=0.2, retries=1) as executor:
        (answer,) = executor.run([Job("only", "{}")])
    assert answer.text is None
    assert answer.cause == "the worker gave no heartbeat for 0.2 s, 2 times"
    assert answer.attempts == 2


def test_a_worker_without_memory_is_replaced_and_after_some_tries_the_job_has_failed(
    tiny: Design, recipe: Recipe, few: Dataset, tmp_path: Path
) -> None:
    conv = tiny.layers[0].model_copy(update={"filters": 8192, "kernel": (5, 5), "stride": (1, 1)})
    greedy = tiny.model_copy(update={"layers": (conv, *tiny.layers[1:])})
    (job,) = jobs(greedy, recipe.with_(batch_size=100), few, 1)  # 2.6 GB for the first layer's answers alone

    class Poor(LocalExecutor):
        def _start(self) -> None:
            super()._start()
            resource.prlimit(self.processes[-1], resource.RLIMIT_AS, (3 * 2**30, 3 * 2**30))

    with Poor(few, tmp_path, workers=1, retries=1) as executor:
        (answer,) = executor.run([job])
    assert answer.text is None
    assert answer.cause == "the worker ran out of memory, 2 times"
    assert answer.attempts == 2
    assert "can't allocate memory" in (tmp_path / "workers.log").read_text()


def test_an_error_in_a_job_is_its_answer(few: Dataset, tmp_path: Path) -> None:
    with LocalExecutor(few, tmp_path, workers=1) as executor:
        bad, worse = executor.run([Job("one", "{}"), Job("two", "[]")])
    assert bad.cause == "KeyError: 'design'"
    assert worse.cause is not None
    assert worse.attempts == 1


def test_nothing_is_left_behind_but_the_log(few: Dataset, tmp_path: Path) -> None:
    with LocalExecutor(few, tmp_path, workers=1) as executor:
        list(executor.run([Job("one", "{}")]))
        (pid,) = executor.processes
    assert [path.name for path in tmp_path.iterdir()] == ["workers.log"]
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_the_shared_data_are_the_data_without_the_test_split(few: Dataset, tmp_path: Path) -> None:
    share(few, tmp_path)
    opened = open_shared(tmp_path)
    assert np.array_equal(opened.train.images, few.train.images)
    assert np.array_equal(opened.validation.labels, few.validation.labels)
    assert len(opened.test) == 0
    assert opened.class_names == few.class_names
    assert isinstance(opened.train.images.base, np.memmap) or isinstance(opened.train.images, np.memmap)


def test_images_are_moved_and_black_comes_in() -> None:
    image = np.arange(1, 10, dtype=np.uint8).reshape(1, 3, 3, 1)
    assert shifted(image, 1, 0)[0, :, :, 0].tolist() == [[0, 0, 0], [1, 2, 3], [4, 5, 6]]
    assert shifted(image, 0, -2)[0, :, :, 0].tolist() == [[3, 0, 0], [6, 0, 0], [9, 0, 0]]
    assert np.array_equal(shifted(image, 0, 0), image)


def test_the_split_varies_with_the_seed_only_when_asked(tiny: Design, recipe: Recipe, few: Dataset) -> None:
    arm = Arm(tiny.edited(()), recipe)
    fixed, varied = (Trial(arm, 1, few.fingerprint, vary_split=vary, precision="float32").key for vary in (False, True))
    assert fixed != varied
    result = run_trial(arm, few, 1, vary_split=True, precision="float32", beat=lambda: None)
    assert 0 <= result.accuracy <= 1
    assert len(result.shifts) == 5


def test_names_and_reasons_make_no_other_trial(tiny: Design, recipe: Recipe) -> None:
    renamed = tiny.edited(()).model_copy(update={"name": "other", "because": "for another reason"})
    assert Arm(renamed, recipe.with_(name="other")).key == Arm(tiny.edited(()), recipe).key
    assert Arm(renamed, recipe.with_(epochs=2)).key != Arm(renamed, recipe).key
