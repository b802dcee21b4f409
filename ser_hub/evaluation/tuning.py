"""Search for a recipe's settings with Optuna: many processes, and machines, share one study.

What a trial maximises is the mean over folds of the best validation UAR. Some sources maximise UAR on the test folds;
that choice exists here under its own name, so that its inflation can be measured, and every output says so.
"""

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import optuna
import pandas as pd
import yaml
from optuna.exceptions import OptunaError
from optuna.importance import FanovaImportanceEvaluator
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState
from sqlalchemy.exc import SQLAlchemyError
from tqdm import tqdm

from ser_hub.cache import write_json, written_aside
from ser_hub.errors import InputError, first_line
from ser_hub.evaluation import figures
from ser_hub.evaluation.record import environment, without_folder
from ser_hub.evaluation.tracking import log_summary
from ser_hub.evaluation.workers import fit_logged, run_all, test_logged

Objective = Literal["validation", "test-folds"]

OBJECTIVES: dict[Objective, str] = {
    "validation": "best UAR on the validation speakers, mean over folds",
    "test-folds": "UAR on the TEST folds: it leaks, and is here only to show by how much",
}

DONE = (TrialState.COMPLETE, TrialState.PRUNED)


def read_space(recipe: str | Path) -> dict[str, dict[str, Any]]:
    """Return the search space of a recipe: under `search`, settings by their path, each a range or a list of choices.

    Raises:
        InputError: The recipe cannot be read, has no search space, or an entry that is neither.
    """
    try:
        tree = yaml.safe_load(Path(recipe).read_text())
    except OSError as error:
        raise InputError(f"{recipe} does not exist; give a recipe (configs/*.yaml)") from error
    except yaml.YAMLError as error:
        raise InputError(f"{recipe} cannot be parsed as YAML: {error}") from error
    space = tree.get("search") if isinstance(tree, dict) else None
    if not space or not isinstance(space, dict):
        raise InputError(f"{recipe} has no search space; add `search:` with settings and their ranges to it")
    for name, choice in space.items():
        if not _is_range(choice) and not _is_list(choice):
            raise InputError(
                f"{recipe}: the search space of {name} is {choice!r}; give {{low: ..., high: ..., log: true}} "
                f"(low below high, and above 0 where log) or {{choices: [...]}}"
            )
    return space


def _is_range(choice: Any) -> bool:
    if not isinstance(choice, dict) or not {"low", "high"} <= set(choice) <= {"low", "high", "log"}:
        return False
    try:
        low, high = float(choice["low"]), float(choice["high"])
    except (TypeError, ValueError):
        return False
    return low < high and (low > 0 or not choice.get("log"))


def _is_list(choice: Any) -> bool:
    return (
        isinstance(choice, dict)
        and set(choice) == {"choices"}
        and isinstance(choice["choices"], list)
        and choice["choices"] != []
    )


def tune(
    recipe: str | Path,
    settings: Sequence[str],
    resolved: Mapping[str, Any],
    folds: Sequence[int],
    trials: int,
    dest: str | Path,
    objective: Objective = "validation",
    storage: str | None = None,
    workers: int | None = None,
) -> Path:
    """Search the space of a recipe, and write what was found.

    The first trial has the recipe's own settings, as far as they lie in the space. A trial whose mean over the folds so
    far lies below the median of earlier trials is pruned. Run again with the same folder, or at the same time elsewhere
    with the same storage, it goes on with the same study.

    Args:
        recipe: YAML file with a `search` entry.
        settings: Further arguments of `ser-hub fit`.
        resolved: What recipe and settings come to; a study of a recipe that was edited since does not go on.
        folds: Folds of the recipe's protocol that a trial trains.
        trials: Number of trials that the study has in the end, pruned ones among them; where several machines share
            it, those that run when it has them are finished too.
        dest: Folder for `best.yaml` (the recipe with the best settings), `tuning.json` and `tuning.png`.
        objective: What is maximised.
        storage: URL of a database, or path of a journal file, that several machines share; None means one in dest.
        workers: Processes at once; None means one per core.

    Returns:
        The best recipe.

    Raises:
        InputError: The space, the storage or a trial cannot be used.
    """
    dest, space = Path(dest), read_space(recipe)
    dest.mkdir(parents=True, exist_ok=True)
    where = storage or str(dest / "study.journal")
    name = f"{Path(recipe).stem}, {objective}"
    study = optuna.create_study(storage=open_storage(where), study_name=name, direction="maximize", load_if_exists=True)
    plan = {"space": space, "folds": list(folds), "settings": without_folder(settings), "recipe": resolved}
    if study.user_attrs.get("plan", plan) != plan:
        raise InputError(
            f"{_shown(where)} holds a study of other settings or another recipe; name another folder or storage"
        )
    study.set_user_attr("plan", plan)
    own = _own_settings(recipe, space)
    if not _has(study, own):  # so that what is found is no worse than what the recipe says
        study.enqueue_trial(own)
    command = [f"--config={recipe}", *settings]
    begun = len(study.get_trials(states=DONE))
    shared = (where, name, space, command, folds, objective, dest, trials)
    caller = int(study.user_attrs.get("callers", 0))  # machines that counted their trials alike would draw the same
    study.set_user_attr("callers", caller + 1)
    tasks = [(*shared, 10_000 * caller + number) for number in range(begun, trials)]
    with tqdm(total=trials, initial=begun, desc="trials", unit="trial") as bar:
        for _ in run_all(_trial, tasks, workers or os.cpu_count() or 1):
            bar.update()
            bar.set_postfix(best=f"{max((value for _, value in _values(study)), default=0.0):.4f}")
    return _report(study, recipe, plan, objective, dest)


def open_storage(where: str) -> BaseStorage:
    """Return the storage at the URL of a database, or in the journal file at a path.

    Raises:
        InputError: It cannot be opened, or is no journal.
    """
    try:
        if "://" in where:
            return RDBStorage(where)
        # Absolute, for Optuna links its lock to the path as given: a relative link leads nowhere, and then the lock
        # that a killed process has left is never broken.
        journal = Path(where).absolute()
        if journal.is_file() and journal.read_bytes()[:1] not in (b"", b"{"):  # Optuna would write into any file
            raise ValueError("it is a file, but no journal")
        return JournalStorage(JournalFileBackend(str(journal)))
    except (ImportError, OSError, ValueError, SQLAlchemyError, OptunaError) as error:
        raise InputError(
            f"--storage {_shown(where)} cannot be opened ({type(error).__name__}: {first_line(error)}); "
            "give the path of a journal file in a folder that exists, sqlite:///FILE, or install the database's driver"
        ) from error


def _shown(where: str) -> str:
    """Return a storage as messages name it: the URL of a database may hold a password."""
    return f"{where.partition('://')[0]}://..." if "://" in where else where


def _trial(
    where: str,
    name: str,
    space: Mapping[str, Mapping[str, Any]],
    command: Sequence[str],
    folds: Sequence[int],
    objective: Objective,
    dest: Path,
    trials: int,
    seed: int,
) -> None:
    """Ask the study for settings, train every fold with them, and tell it what came out; nothing if it has enough."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.load_study(
        storage=open_storage(where),
        study_name=name,
        # Constant liar: workers that ask at once are not sent to the same place.
        sampler=optuna.samplers.TPESampler(seed=seed, constant_liar=True),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=5),
    )
    if len(study.get_trials(states=DONE)) >= trials:  # other machines have done their share
        return

    def train(trial: optuna.Trial) -> float:
        chosen = [f"--{path}={_suggest(trial, path, choice)}" for path, choice in space.items()]
        folder = dest / f"trial{trial.number}"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        found: list[float] = []
        for step, fold in enumerate(folds):
            score = _score([*command, *chosen, f"--data.fold={fold}"], folder / str(fold), objective, trial.number)
            found.append(score)
            trial.set_user_attr(f"fold {fold}", score)
            trial.report(sum(found) / len(found), step)
            if trial.should_prune():
                break
        shutil.rmtree(folder)
        if len(found) < len(folds):
            raise optuna.TrialPruned
        return sum(found) / len(found)

    study.optimize(train, n_trials=1)


def _score(command: Sequence[str], root: Path, objective: Objective, number: int) -> float:
    log, name = root.with_suffix(".txt"), f"trial {number}"
    fit = fit_logged(command, root / "fit", log, name)
    if objective == "validation":
        return float(pd.read_csv(fit / "metrics.csv")["val/uar"].max())
    test = test_logged(fit, root / "test", log, name)
    return float(json.loads((test / "record.json").read_text())["scores"]["uar"])


def _own_settings(recipe: str | Path, space: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return the settings of the space that the recipe itself has, where they lie in it."""
    tree: dict[str, Any] = yaml.safe_load(Path(recipe).read_text())
    own: dict[str, Any] = {}
    for path, choice in space.items():
        value: Any = tree
        for name in path.split("."):
            value = value.get(name) if isinstance(value, Mapping) else None
        if "choices" in choice:
            if value in choice["choices"]:
                own[path] = value
        elif value is not None and float(choice["low"]) <= float(value) <= float(choice["high"]):
            own[path] = float(value)
    return own


def _has(study: optuna.Study, settings: Mapping[str, Any]) -> bool:
    """Return whether a trial with these settings is done or waits; one that was killed does not count."""
    trials = study.get_trials(states=(*DONE, TrialState.WAITING))
    return any(
        settings.items() <= (trial.system_attrs.get("fixed_params", {}) | trial.params).items() for trial in trials
    )


def _suggest(trial: optuna.Trial, path: str, choice: Mapping[str, Any]) -> Any:
    if "choices" in choice:
        return trial.suggest_categorical(path, choice["choices"])
    return trial.suggest_float(path, float(choice["low"]), float(choice["high"]), log=bool(choice.get("log")))


def _report(study: optuna.Study, recipe: str | Path, plan: Mapping[str, Any], objective: Objective, dest: Path) -> Path:
    """Write the record, the picture and the best recipe; returns the last."""
    finished, values = study.get_trials(states=DONE), _values(study)
    if not values:
        raise InputError(f"{dest}: no trial came to its end; give more --trials")
    best = study.best_trial
    try:
        importance = optuna.importance.get_param_importances(study, evaluator=FanovaImportanceEvaluator(seed=0))
    except (RuntimeError, ValueError):  # fewer than two complete trials, or all alike
        importance = {}
    record = environment() | {
        "objective": OBJECTIVES[objective],
        **plan,
        "best": {"value": best.value, "trial": best.number, "settings": best.params},
        "importance": importance,
        "trials": [
            {
                "number": trial.number,
                "state": trial.state.name.lower(),
                "settings": trial.params,
                "value": trial.value if trial.state == TrialState.COMPLETE else None,
                "folds": trial.user_attrs,
            }
            for trial in finished
        ],
    }
    write_json(dest / "tuning.json", record)
    title = f"{Path(recipe).stem}: {len(finished)} trials\n{OBJECTIVES[objective]}"
    figures.search(values, importance, title, dest / "tuning.png")
    with written_aside(dest / "best.yaml") as partial:
        partial.write_text(_best_recipe(recipe, best, OBJECTIVES[objective]))
    log_summary(dest, dest.name, {"best": max(value for _, value in values)})
    return dest / "best.yaml"


def _values(study: optuna.Study) -> list[tuple[int, float]]:
    """Return number and value of every trial that came to its end."""
    complete = study.get_trials(states=(TrialState.COMPLETE,))
    return [(trial.number, trial.value) for trial in complete if trial.value is not None]


def _best_recipe(recipe: str | Path, best: optuna.trial.FrozenTrial, objective: str) -> str:
    tree: dict[str, Any] = yaml.safe_load(Path(recipe).read_text())
    for path, value in best.params.items():
        *parents, leaf = path.split(".")
        place = tree
        for parent in parents:
            place = place.setdefault(parent, {})
        place[leaf] = value
    head = f"# {Path(recipe).stem} with the settings of trial {best.number}: {best.value:.4f}, {objective}.\n"
    return head + str(yaml.safe_dump(tree, sort_keys=False))
