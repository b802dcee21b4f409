"""`ser-hub`: every verb is one call into a room."""

import argparse
import errno
import json
import os
import re
import sys
import warnings
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import yaml
from datasets import Dataset, disable_progress_bars
from jsonargparse import ArgumentError
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch import Trainer
from lightning.pytorch.callbacks import ModelCheckpoint, Timer
from lightning.pytorch.cli import LightningArgumentParser, LightningCLI
from lightning.pytorch.loggers import CSVLogger, Logger
from tqdm import tqdm
from transformers.utils import logging as transformers_logging

from ser_hub import __version__
from ser_hub.audio import EXTENSIONS
from ser_hub.corpora import CORPORA, load_corpus
from ser_hub.errors import InputError
from ser_hub.evaluation import TestReport
from ser_hub.evaluation.tracking import wandb_logger
from ser_hub.hub.push import RepoType
from ser_hub.hub.zoo import DEFAULT
from ser_hub.models import ARCHITECTURES, SERModel
from ser_hub.protocols import PROTOCOLS
from ser_hub.training import SERDataModule

CORPUS_HELP = f"one of {', '.join(CORPORA)}; several as ravdess+emodb; or an exported one on the Hub as org/name"
DATA_DIR_HELP = (
    "folder that holds its clips, in whatever layout, or the list of `manifest`; for a mixture "
    "ravdess=FOLDER,emodb=FOLDER, or the folder that it was exported to"
)

UNUSABLE = (
    *(errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.EACCES, errno.EPERM),
    *(errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.ENAMETOOLONG),
)
"""Errors of files that the user's choice of a file or folder explains; any other is a defect of ours."""

LIGHTNING_VERBS = {
    "fit": "train a model from a recipe (configs/*.yaml)",
    "validate": "judge a checkpoint on the validation speakers",
    "test": "judge a checkpoint on the test speakers and write the evidence",
}


class SERCLI(LightningCLI):
    """The Lightning CLI over `SERModel` and `SERDataModule`: fit, validate, test."""

    @staticmethod
    def subcommands() -> dict[str, set[str]]:
        """Return Lightning's verbs without its `predict`: ours takes an exported model and files."""
        return {verb: skip for verb, skip in LightningCLI.subcommands().items() if verb in LIGHTNING_VERBS}

    def parse_arguments(self, parser: LightningArgumentParser, args: Any) -> None:
        """Parse the arguments that `main` was given."""
        self.config = parser.parse_args(args)

    def _parse_ckpt_path(self) -> None:
        """Leave the model to the recipe; `SERModel.on_load_checkpoint` refuses a checkpoint of another one."""

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Add the checkpoint callback, and give the model what only the data knows."""
        parser.add_lightning_class_args(ModelCheckpoint, "checkpoint")
        parser.set_defaults(
            {
                "checkpoint.monitor": "val/uar",
                "checkpoint.mode": "max",
                "checkpoint.filename": "best",
                "checkpoint.enable_version_counter": False,
            }
        )
        parser.add_argument("--search", type=dict | None, default=None, help="what `ser-hub tune` may change")
        config = "model.init_args.config.init_args"
        parser.link_arguments("data.labels", f"{config}.labels", apply_on="instantiate")
        parser.link_arguments("data.feature_size", f"{config}.input_size", apply_on="instantiate")

    def before_instantiate_classes(self) -> None:
        """Refuse a checkpoint that is not there, or is none, before any work is done."""
        from ser_hub.hub.export import read_checkpoint

        path = self._get(self.config, "ckpt_path")
        if path not in (None, "best", "last", "hpc") and not Path(path).is_file():
            raise InputError(f"--ckpt_path {path} does not exist; give the checkpoint that `ser-hub fit` named")
        if path is not None and Path(path).is_file():
            read_checkpoint(path)

    def instantiate_trainer(self, **kwargs: Any) -> Trainer:
        """Log to CSV always, and to W&B (offline unless WANDB_MODE says otherwise) where no logger was chosen."""
        settings = self._get(self.config_init, "trainer")
        chosen, root = settings.get("logger"), settings.get("default_root_dir") or "runs"
        csv = CSVLogger(root, name="")
        if chosen is None or chosen is True:
            loggers: list[Logger] = [csv, wandb_logger(root)]
        elif chosen is False:
            loggers = [csv]
        else:
            loggers = [chosen] if isinstance(chosen, Logger) else list(chosen)
            if not any(isinstance(logger, CSVLogger) for logger in loggers):
                loggers.insert(0, csv)
        return super().instantiate_trainer(logger=loggers, default_root_dir=root, **kwargs)

    def after_fit(self) -> None:
        """Name the checkpoint."""
        checkpoint = self.trainer.checkpoint_callback
        if isinstance(checkpoint, ModelCheckpoint) and checkpoint.best_model_path and self.trainer.is_global_zero:
            score = checkpoint.best_model_score
            print(f"best checkpoint   {checkpoint.best_model_path} ({checkpoint.monitor} {score:.4f})")


def lightning(argv: Sequence[str], *, run: bool = True) -> SERCLI:
    """Run `fit`, `validate` or `test`; or, without `run`, only build what the settings of a `fit` say."""
    for noise in (
        "The dirpath has changed",  # a test of a checkpoint writes to a run folder of its own, on purpose
        "isinstance\\(treespec, LeafSpec\\)",  # Lightning's own use of torch
        "The number of training batches",  # only concerns metrics that are logged by step
        ".*configure_optimizers. will be overridden",  # by the recipe's optimiser, which is what a recipe is for
        "The '.*_dataloader' does not have many workers",  # the features lie in memory
    ):
        warnings.filterwarnings("ignore", message=f".*{noise}")
    strict = {"exit_on_error": False}
    return SERCLI(
        SERModel,
        SERDataModule,
        subclass_mode_model=True,
        args=list(argv),
        trainer_defaults={"callbacks": [_last_epoch(), Timer(), TestReport()]},
        save_config_kwargs={"overwrite": True},
        seed_everything_default=0,
        load_from_checkpoint_support=False,
        parser_kwargs={"prog": "ser-hub", **strict} | ({verb: strict for verb in LIGHTNING_VERBS} if run else {}),
        run=run,
    )


def _last_epoch() -> ModelCheckpoint:
    """Keep `last.ckpt` at every epoch, for resuming; `save_last` would keep it only where the score improved."""
    return ModelCheckpoint(filename="last", save_on_train_epoch_end=True, enable_version_counter=False)


def corpus_show(arguments: argparse.Namespace) -> None:
    """Print a corpus's summary."""
    from ser_hub.corpora.summary import summary

    settings = {"classes": arguments.classes, "merge_calm": arguments.merge_calm}
    print(summary(arguments.name, arguments.data_dir, **settings))


def corpus_check(arguments: argparse.Namespace) -> int:
    """Print what is wrong with a corpus on disk; 1 where anything is."""
    from ser_hub.corpora.check import check

    findings = check(arguments.name, arguments.data_dir)
    print(findings)
    return 1 if findings.defects else 0


def corpus_export(arguments: argparse.Namespace) -> None:
    """Write a dataset repository."""
    from ser_hub.hub.corpora import export_corpus

    print(f"dataset folder    {export_corpus(arguments.name, arguments.dest, arguments.data_dir)}")


def corpus_push(arguments: argparse.Namespace) -> None:
    """Upload a dataset repository."""
    _push(arguments, "dataset")


def push_model(arguments: argparse.Namespace) -> None:
    """Upload a Hub folder, then fetch it and load it."""
    from ser_hub.hub.fetch import model_folder
    from ser_hub.hub.push import files_to_push
    from ser_hub.inference import Predictor

    files_to_push(arguments.folder)
    if not arguments.dry_run:
        Predictor(arguments.folder)  # what cannot be loaded is not sent
    _push(arguments, "model")
    if not arguments.dry_run:
        pushed = Predictor(model_folder(arguments.repository, arguments.revision)).model
        print(f"checked           {arguments.repository} loads as a {type(pushed).__name__}")


def corpus_download(arguments: argparse.Namespace) -> None:
    """Fetch a corpus from its makers."""
    from ser_hub.hub.download import download_corpus

    print(f"corpus folder     {download_corpus(arguments.name, arguments.dest)}")


def _push(arguments: argparse.Namespace, repo_type: RepoType) -> None:
    from ser_hub.hub.push import check_corpus, files_to_push, push

    if arguments.dry_run:
        if repo_type == "dataset":
            check_corpus(arguments.folder, private=arguments.private)
        files = files_to_push(arguments.folder)
        for path, size in files:
            print(f"{size:>12,}  {path}")
        print(f"{sum(size for _, size in files):>12,}  bytes in {len(files)} files would go to {arguments.repository}")
        print("              what else is in that repository would be deleted")
        return
    settings = {"private": arguments.private, "revision": arguments.revision}
    print(f"commit            {push(arguments.folder, arguments.repository, repo_type, **settings)}")


def evaluate(arguments: argparse.Namespace) -> None:
    """Train and test every fold with every seed, and report."""
    from ser_hub.evaluation.crossval import evaluate as run_all
    from ser_hub.evaluation.crossval import interval_text

    settings = list(arguments.settings)
    if arguments.protocol:
        settings.append(f"--data.protocol={arguments.protocol}")
    data, recipe = _prepared(settings)
    folds = len(data.manifest.folds)
    path = run_all(settings, recipe, folds, arguments.seeds, arguments.dest, arguments.workers)
    for metric, score in json.loads(path.read_text())["scores"]["metrics"].items():
        print(f"{metric.upper():<4} {score['mean']:.4f}", end="")
        if arguments.seeds > 1:
            spread = f" +- {score['deviation']:.4f}  ({score['minimum']:.4f} to {score['maximum']:.4f} over seeds)"
            print(spread, end="")
        print(f"  95 % {interval_text(score)}" if score["interval"] else "")
    print(f"evidence record   {path}\nreport            {path.with_name('report.md')}")


def inflation(arguments: argparse.Namespace) -> None:
    """Evaluate a recipe under splits that leak and splits that do not."""
    from ser_hub.evaluation.inflation import COPIES, variants
    from ser_hub.evaluation.inflation import inflation as run_all

    data, _ = _prepared(arguments.settings)
    if not data.protocol.speaker_independent:
        raise InputError(
            f"protocol '{data.protocol.spec}' is by clip; name one that keeps speakers apart to start from"
        )
    folds = data.manifest.folds
    ways = {
        way: _prepared([*arguments.settings, *way.settings])[1]
        for way in variants(folds, [] if data.augmentation.copies else [COPIES])
    }
    print(run_all(arguments.settings, ways, len(folds), arguments.seeds, arguments.dest, arguments.workers).read_text())


def _prepared(settings: Sequence[str]) -> tuple[SERDataModule, dict[str, Any]]:
    """Return the data that settings name, with its features computed before many processes want them, and the recipe.

    The recipe is what every setting comes to, but for those of one run: fold, seed, and where things lie.

    Raises:
        InputError: They spread one run over several devices.
    """
    cli = lightning([*settings, "--trainer.logger=false"], run=False)
    if str(cli.config.trainer.devices) not in ("auto", "1"):
        raise InputError(
            "--trainer.devices: the runs stand side by side, each on one device; leave it out (--workers says how many "
            "run at once)"
        )
    data = cli.datamodule
    assert isinstance(data, SERDataModule)  # what the parser was built for
    data.setup()
    recipe: dict[str, Any] = _without_nulls(yaml.safe_load(cli.parser.dump(cli.config)))
    for name in ("seed_everything", "search"):
        recipe.pop(name, None)
    for part, own in (("data", ("fold", "data_dir", "cache_dir")), ("trainer", ("logger", "default_root_dir"))):
        recipe[part] = {name: value for name, value in recipe[part].items() if name not in own}
    return data, recipe


def _without_nulls(tree: Any) -> Any:
    """Return a parsed YAML without the settings that nobody made."""
    if isinstance(tree, dict):
        return {name: _without_nulls(value) for name, value in tree.items() if value is not None}
    return [_without_nulls(value) for value in tree] if isinstance(tree, list) else tree


def tune(arguments: argparse.Namespace) -> None:
    """Search a recipe's settings."""
    from ser_hub.evaluation.tuning import OBJECTIVES, read_space
    from ser_hub.evaluation.tuning import tune as run_search

    read_space(arguments.config)
    data, resolved = _prepared([f"--config={arguments.config}", *arguments.settings])
    folds = range(len(data.manifest.folds))
    if beyond := sorted(set(arguments.folds or folds) - set(folds)):
        raise InputError(f"--folds {beyond[0]}: the recipe's protocol has the folds 0 to {len(folds) - 1}")
    best = run_search(
        arguments.config,
        arguments.settings,
        resolved,
        arguments.folds or folds,
        arguments.trials,
        arguments.dest,
        arguments.objective,
        arguments.storage,
        arguments.workers,
    )
    record = json.loads(best.with_name("tuning.json").read_text())
    print(f"best              {record['best']['value']:.4f} ({OBJECTIVES[arguments.objective]})")
    for path, value in record["best"]["settings"].items():
        print(
            f"                  {path} {value:.4g}" if isinstance(value, float) else f"                  {path} {value}"
        )
    print(f"recipe            {best}\nrecord            {best.with_name('tuning.json')}")


def compare(arguments: argparse.Namespace) -> None:
    """Compare two evaluations of the same clips."""
    from ser_hub.evaluation.comparison import compare_evaluations

    print(compare_evaluations(arguments.one, arguments.other))


def models(arguments: argparse.Namespace) -> None:
    """Print the table of recipes, or of the checkpoints that come with ser_hub."""
    if arguments.trained:
        from ser_hub.hub import zoo

        print(zoo.as_text(zoo.trained()))
        return
    from ser_hub.recipes import as_text, recipes

    print(as_text(recipes()))


def protocol_show(arguments: argparse.Namespace) -> None:
    """Print who is where, and audit it."""
    from ser_hub.protocols import describe

    print(describe(arguments.name, _rows(arguments), arguments.save))


def augment(arguments: argparse.Namespace) -> None:
    """Draw a clip and what augmentation makes of it."""
    from ser_hub.training.preview import preview

    print(f"picture           {preview(arguments.file, arguments.picture, arguments.config)}")


def _rows(arguments: argparse.Namespace) -> Dataset:
    settings = {"classes": arguments.classes, "merge_calm": arguments.merge_calm}
    return load_corpus(arguments.corpus, arguments.data_dir, **settings)


def export(arguments: argparse.Namespace) -> None:
    """Write a Hub folder."""
    from ser_hub.hub import export as write_folder

    files = {"onnx": arguments.onnx, "int8": arguments.int8}
    folder = write_folder(arguments.checkpoint, arguments.dest, arguments.record, arguments.evaluation, **files)
    print(f"Hub folder        {folder}")


def predict(arguments: argparse.Namespace) -> None:
    """Print what a model says of each file."""
    from ser_hub.inference import Predictor
    from ser_hub.inference.predictor import draw

    first, *rest = arguments.files
    named = Path(first).suffix.lower() not in EXTENSIONS
    model, clips = (first, rest) if named else (DEFAULT, arguments.files)
    if not clips:
        raise InputError(
            f"no clip to predict: '{first}' is taken for a model; give audio files ({', '.join(EXTENSIONS)})"
        )
    if arguments.attention and len(clips) > 1:
        raise InputError(f"--attention draws one clip, but {len(clips)} were given; give one")
    predictor = Predictor(model)
    files = tqdm(clips, desc="predict", leave=False, disable=len(clips) < 2)
    predictions = [predictor(file) for file in files]
    if arguments.attention:
        draw(predictor, clips[0], predictions[0], Path(arguments.attention))
    if arguments.json:
        print(json.dumps([asdict(prediction) | {"emotion": prediction.emotion} for prediction in predictions]))
        return
    for prediction in predictions:
        most = list(prediction.probabilities.items())[:3]
        print(f"{prediction.file}: " + ", ".join(f"{name} {value:.1%}" for name, value in most))


def positive(text: str) -> int:
    """Read a whole number from 1 up.

    Raises:
        argparse.ArgumentTypeError: It is none.
    """
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is no whole number from 1 up")
    return int(text)


def _add_data(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data-dir", help=DATA_DIR_HELP)
    parser.add_argument("--classes", choices=["union", "shared"], default="union", help="classes of a mixture")
    parser.add_argument("--merge-calm", action="store_true", help="count calm as neutral")


def _add_evaluation(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seeds", type=positive, default=1, help="number of seeds, from 0 (default: 1)")
    parser.add_argument("--dest", required=True, help="folder for the results; a stopped evaluation goes on there")
    parser.add_argument("--workers", type=positive, help="processes at once (default: one per core)")


def _add_push(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", metavar="FOLDER", help="folder to upload")
    parser.add_argument("repository", metavar="ORG/NAME", help="repository on the Hub; made where there is none")
    parser.add_argument(
        "--private", action="store_true", help="make it private; one that is there and public is refused"
    )
    parser.add_argument("--revision", help="branch to upload to")
    parser.add_argument("--dry-run", action="store_true", help="list every file and change nothing")


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of every verb but Lightning's, which parses its own."""
    parser = argparse.ArgumentParser(
        prog="ser-hub", description="Speech emotion recognition, from a corpus to a model in use."
    )
    parser.add_argument("--version", action="version", version=f"ser-hub {__version__}")
    verbs = parser.add_subparsers(metavar="VERB", required=True)
    for verb, text in LIGHTNING_VERBS.items():
        verbs.add_parser(verb, help=text)

    evaluator = verbs.add_parser(
        "evaluate",
        help="train and test every fold with several seeds; scores with intervals, pictures, a report",
        epilog="Every other argument is one of `ser-hub fit`: --config RECIPE --data.data_dir PATH ...",
    )
    evaluator.add_argument("--protocol", help="instead of the recipe's")
    _add_evaluation(evaluator)
    evaluator.set_defaults(run=evaluate)
    inflater = verbs.add_parser(
        "inflation",
        help="how much of a number is the protocol: speakers apart, by clip, augmented before the split",
        epilog="Every other argument is one of `ser-hub fit`: --config RECIPE --data.data_dir PATH ...",
    )
    _add_evaluation(inflater)
    inflater.set_defaults(run=inflation)
    tuner = verbs.add_parser(
        "tune",
        help="search a recipe's settings with Optuna, on validation speakers",
        epilog="Every other argument is one of `ser-hub fit`. Run again, it goes on; several may share one --storage.",
    )
    tuner.add_argument("--config", required=True, metavar="RECIPE", help="recipe with a `search:` entry")
    tuner.add_argument("--trials", type=positive, default=100, help="trials in the end (default: 100)")
    tuner.add_argument("--folds", type=int, nargs="+", help="folds that a trial trains (default: all)")
    tuner.add_argument("--dest", required=True, help="folder for the best recipe, the record and the picture")
    tuner.add_argument("--storage", help="URL of a database or path of a journal file (default: a journal in --dest)")
    tuner.add_argument("--workers", type=positive, help="processes at once (default: one per core)")
    tuner.add_argument(
        "--objective",
        choices=["validation", "test-folds"],
        default="validation",
        help="test-folds LEAKS: some sources choose so, and it is here to show by how much that inflates",
    )
    tuner.set_defaults(run=tune)
    comparer = verbs.add_parser("compare", help="do two evaluations of the same clips differ? paired, by speaker")
    comparer.add_argument("one", metavar="A", help="folder of an evaluation")
    comparer.add_argument("other", metavar="B", help="folder of another")
    comparer.set_defaults(run=compare)

    lister = verbs.add_parser("models", help="every recipe: parameters, input, causal or not, source")
    lister.add_argument("--trained", action="store_true", help="instead the checkpoints that come with ser_hub")
    lister.set_defaults(run=models)

    corpus = verbs.add_parser("corpus", help="look at, check, download, export or push a corpus")
    actions = corpus.add_subparsers(metavar="ACTION", required=True)
    show = actions.add_parser("show", help="clips, hours, speakers and classes")
    show.add_argument("name", help=CORPUS_HELP)
    _add_data(show)
    show.set_defaults(run=corpus_show)
    checker = actions.add_parser(
        "check", help="what is missing, damaged, silent or twice (exit code 1 where that is a defect)"
    )
    checker.add_argument("name", help=CORPUS_HELP)
    checker.add_argument("--data-dir", help=DATA_DIR_HELP)
    checker.set_defaults(run=corpus_check)
    downloader = actions.add_parser("download", help="fetch a corpus from its makers, where its licence lets a program")
    loadable = [name for name, corpus in CORPORA.items() if corpus.archives]
    downloader.add_argument("name", help=f"one of {', '.join(loadable)}")
    downloader.add_argument("dest", metavar="DEST", help="folder to make")
    downloader.set_defaults(run=corpus_download)
    corpus_exporter = actions.add_parser("export", help="write a dataset repository that datasets.load_dataset reads")
    corpus_exporter.add_argument("name", help=CORPUS_HELP)
    corpus_exporter.add_argument("dest", metavar="DEST", help="folder to make")
    corpus_exporter.add_argument("--data-dir", help=DATA_DIR_HELP)
    corpus_exporter.set_defaults(run=corpus_export)
    pusher = actions.add_parser("push", help="make a repository on the Hub hold what `corpus export` wrote")
    _add_push(pusher)
    pusher.set_defaults(run=corpus_push)

    protocol = verbs.add_parser("protocol", help="look at a split").add_subparsers(metavar="ACTION", required=True)
    split = protocol.add_parser("show", help="who is in training, validation and test; the audit")
    split.add_argument("name", help=f"{', '.join(PROTOCOLS)}; with settings as speaker-kfold:k=10,seed=1")
    split.add_argument("--corpus", default="synthetic", help=CORPUS_HELP)
    split.add_argument("--save", metavar="FILE", help="write the manifest, with its SHA-256, as JSON")
    _add_data(split)
    split.set_defaults(run=protocol_show)

    augmenter = verbs.add_parser("augment", help="draw a clip and what augmentation makes of it")
    augmenter.add_argument("file", metavar="FILE", help="audio file")
    augmenter.add_argument("picture", metavar="PICTURE", help="PNG file to write")
    augmenter.add_argument("--config", help="recipe whose data.augmentation is drawn; without one, each there is")
    augmenter.set_defaults(run=augment)

    exporter = verbs.add_parser("export", help="write a checkpoint as a Hub folder that from_pretrained loads")
    exporter.add_argument("checkpoint", metavar="CHECKPOINT", help="checkpoint that `ser-hub fit` wrote")
    exporter.add_argument("dest", metavar="DEST", help="folder to make")
    exporter.add_argument("--record", help="record.json of `ser-hub test` on this checkpoint, for the card's results")
    exporter.add_argument("--evaluation", help="folder of a `ser-hub evaluate` of its recipe, for the card's results")
    exporter.add_argument("--onnx", action="store_true", help="also model.onnx, checked against torch")
    exporter.add_argument("--int8", action="store_true", help="also model-int8.onnx: smaller, and less exact")
    exporter.set_defaults(run=export)

    uploader = verbs.add_parser("push", help="make a repository hold what a Hub folder holds, then fetch and load it")
    _add_push(uploader)
    uploader.set_defaults(run=push_model)

    predictor = verbs.add_parser("predict", help="tell the emotion in audio files")
    predictor.add_argument(
        "files",
        metavar="FILE",
        nargs="+",
        help="audio files, at any sampling rate; what stands before them and is none is the model: a folder that "
        f"`ser-hub export` wrote, a name of `models --trained` (default: {DEFAULT}), or a Hub repository",
    )
    predictor.add_argument("--attention", metavar="PICTURE", help="PNG file to draw the attention over the clip to")
    predictor.add_argument("--json", action="store_true", help="print one JSON list with every class's probability")
    predictor.set_defaults(run=predict)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code: 0, or 2 with one sentence on stderr where the input cannot be used."""
    argv = list(sys.argv[1:] if argv is None else argv)
    # Bars that live for milliseconds (a parsed name, a loaded tensor) are noise beside those of the long work.
    disable_progress_bars()
    transformers_logging.disable_progress_bar()
    try:
        if argv and argv[0] in LIGHTNING_VERBS:
            lightning(argv)
        else:
            parser = build_parser()
            arguments, settings = parser.parse_known_args(argv)
            if settings and arguments.run not in (evaluate, tune, inflation):
                parser.error(f"unrecognized arguments: {' '.join(settings)}")
            arguments.settings = settings
            return arguments.run(arguments) or 0
    except ArgumentError as error:
        return _refuse(_argument_sentence(str(error), argv))
    except (InputError, MisconfigurationException) as error:
        return _refuse(str(error))
    except BrokenPipeError:  # whoever read the output, as `head`, has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        if error.errno not in UNUSABLE:
            raise
        return _refuse(f"{error.filename or 'a file'} cannot be used: {error.strerror}; name another file or folder")
    except KeyboardInterrupt:
        print("ser-hub: stopped", file=sys.stderr)
        return 130
    return 0


def _refuse(message: str) -> int:
    print(f"ser-hub: {' '.join(message.split())}", file=sys.stderr)
    return 2


def _argument_sentence(message: str, argv: Sequence[str]) -> str:
    """Boil jsonargparse's account of every type that it tried down to the key, the value and the way out."""
    if reason := re.search(r"Problems parsing config:\s*(.+)", message, re.DOTALL):
        files = ", ".join(word.removeprefix("--config=") for word in argv if word.endswith((".yaml", ".yml", ".json")))
        return f"{files} cannot be parsed as YAML: {reason[1]}"
    key = ".".join(re.findall(r'Parser key "([^"]+)"', message))
    way_out = "`ser-hub fit --help` and --print_config show what there is"
    if option := re.search(r"Option '([^']+)' is not accepted", message):
        return f"{key} has no option '{option[1]}'; {way_out}"
    if unknown := re.search(r"unrecognized arguments: (.+)", message, re.IGNORECASE):
        return f"there is no option {unknown[1]}; {way_out}"
    if value := re.search(r"(?:Given|Got) value: (.+)", message):
        models = f" ({', '.join(sorted(a.model.__name__ for a in ARCHITECTURES.values()))})" if key == "model" else ""
        return f"{key} cannot be {value[1]}; {way_out}{models}"
    return f"{message}; {way_out}"


if __name__ == "__main__":
    sys.exit(main())
