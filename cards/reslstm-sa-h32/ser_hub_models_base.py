"""The base of every architecture: a `PreTrainedModel` that is a `LightningModule`.

What `AutoModel.from_pretrained` returns goes straight into `Trainer.fit` or `Trainer.test`. Where the two parents
disagree, the choice is made here, once; the comments say what goes wrong otherwise.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from lightning.pytorch import LightningModule
from torch import Tensor, nn
from torchmetrics import MetricCollection
from torchmetrics.classification import MulticlassAccuracy, MulticlassF1Score, MulticlassRecall
from torchmetrics.utilities.data import dim_zero_cat
from transformers import PreTrainedConfig, PreTrainedModel
from transformers.modeling_outputs import SequenceClassifierOutput

from .ser_hub_emotions import EMOTIONS_OF_RAVDESS
from .ser_hub_errors import InputError

UNSHAPED = frozenset(
    {"_name_or_path", "transformers_version", "architectures", "dtype", "dropout", "label_smoothing", "trained_on"}
    | {"weights", "lr", "encoder_lr", "weight_decay"}
)
"""Settings of a configuration in which a checkpoint and the model that loads it may differ."""


def provenance(trained_on: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of a checkpoint's `trained_on` a configuration keeps: its clips would be a thousand lines."""
    return {name: trained_on[name] for name in ("corpus", "protocol", "fold", "speakers")}


def refuse_other(saved: Mapping[str, Any], own: Mapping[str, Any], how: str, *, but: frozenset[str]) -> None:
    """Refuse a checkpoint whose settings differ from a recipe's in any that both have, `but` some.

    Raises:
        InputError: One differs; `how` joins it to "the checkpoint was trained".
    """
    differing = [name for name in own if name in saved and saved[name] != own[name] and name not in but]
    if differing:
        name = "model_type" if "model_type" in differing else differing[0]
        raise InputError(
            f"the checkpoint was trained {how} {name} {saved[name]!r}, but the recipe says {own[name]!r}; "
            f"give the recipe that it was trained with (config.yaml in its run's folder)"
        )


class SERConfig(PreTrainedConfig):  # type: ignore[misc]
    """What every architecture's configuration has.

    Args:
        input_size: Number of features per frame that the model takes.
        labels: Class names in the order of the logits; they fill `id2label` and `label2id`. None keeps a saved
            config's own, or RAVDESS's eight where there is none.
        trained_on: Corpus, protocol, fold and speakers that the weights were trained on; training sets it.
        label_smoothing: Share of the target probability that cross-entropy spreads over all classes.
        **kwargs: As `transformers.PreTrainedConfig` takes them.
    """

    trained_on: dict[str, Any] | None = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        # transformers makes every config class a dataclass; one without its own __init__ would lose the inherited one.
        if "__init__" not in cls.__dict__:
            cls.__init__ = cls.__init__  # type: ignore[method-assign]
        super().__init_subclass__(**kwargs)

    def __init__(
        self, input_size: int = 46, labels: list[str] | None = None, label_smoothing: float = 0.0, **kwargs: Any
    ) -> None:
        # `labels` and not `num_labels`: the latter, in a signature, resets the names that a saved config brings.
        if labels is None and kwargs.get("id2label") is None and kwargs.get("num_labels") is None:
            labels = list(EMOTIONS_OF_RAVDESS)
        if labels is not None:
            kwargs["id2label"] = dict(enumerate(labels))
            kwargs["label2id"] = {label: index for index, label in enumerate(labels)}
        self.input_size = input_size
        self.label_smoothing = label_smoothing
        super().__init__(**kwargs)

    @property
    def class_names(self) -> list[str]:
        """Class names in the order of the logits."""
        return [self.id2label[index] for index in range(self.num_labels)]  # type: ignore[index]


class SERModel(PreTrainedModel, LightningModule):  # type: ignore[misc]  # this order: the other raises at construction
    """Base of the architectures: `forward` in the subclass; training, metrics and loading here.

    A subclass takes its config, calls `super().__init__(config)`, builds its layers from `self.config` and ends with
    `self.post_init()`. Its `forward(input_features, attention_mask=None, labels=None)` ends in `self.output(...)`.

    Args:
        config: The architecture's configuration, or the dict of one, as a Lightning checkpoint keeps it.
    """

    if TYPE_CHECKING:  # transformers is untyped
        post_init: Callable[[], None]
        save_pretrained: Callable[..., None]
        num_parameters: Callable[..., int]

    config: SERConfig
    config_class: ClassVar[type[SERConfig]]
    main_input_name = "input_features"
    base_model_prefix = "model"

    def __init__(self, config: SERConfig) -> None:
        if isinstance(config, Mapping):
            config = self.config_class.from_dict(dict(config))
        if type(config) is not self.config_class:  # a subclass's would be saved under another architecture's name
            raise InputError(
                f"{type(self).__name__} takes a {self.config_class.__name__}, not a {type(config).__name__}; "
                f"give the config's class together with the model's"
            )
        super().__init__(config)
        # A dict and not the object, so that `load_from_checkpoint` needs no unpickling (weights_only=True).
        self.save_hyperparameters({"config": config.to_dict()})

    @classmethod
    def from_pretrained(cls, *args: Any, **kwargs: Any) -> Any:
        """Load a model as transformers does, but refuse a file whose names do not fit, which would stay random.

        Raises:
            InputError: A weight is missing from the file or the file holds one that the architecture has not.
        """
        wanted = kwargs.pop("output_loading_info", False)
        model, info = super().from_pretrained(*args, output_loading_info=True, **kwargs)
        for kind in ("missing_keys", "unexpected_keys"):
            if names := sorted(info[kind]):
                raise InputError(
                    f"the weights of {args[0] if args else kwargs.get('pretrained_model_name_or_path')} do not fit "
                    f"{cls.__name__}: {len(names)} {kind.replace('_', ' ')} ({', '.join(names[:3])}); "
                    f"load the checkpoint that its config.json names"
                )
        # The code that a repository carries stays there: saved again without it, the config must not name it.
        vars(model.config).pop("auto_map", None)
        return (model, info) if wanted else model

    def _init_weights(self, module: nn.Module) -> None:
        """Initialise a module as torch does; a paper's own initialisation overrides this in its subclass.

        transformers calls it for every module from `post_init`, and its own version would overwrite any initialisation.
        """
        if callable(reset := getattr(module, "reset_parameters", None)):
            reset()

    # Lightning's own answers say `meta` after `from_pretrained`.
    @property
    def device(self) -> torch.device:  # type: ignore[override]
        """Device of the parameters."""
        return next(self.parameters()).device

    @property  # type: ignore[misc]
    def dtype(self) -> torch.dtype:  # type: ignore[override]
        """Type of the parameters."""
        return next(self.parameters()).dtype

    def criterion(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Cross-entropy of logits (batch, num_labels) and class indices (batch,), averaged over the batch."""
        return nn.functional.cross_entropy(logits, labels, label_smoothing=self.config.label_smoothing)

    def output(
        self,
        logits: Tensor,
        labels: Tensor | None = None,
        *,
        hidden_states: tuple[Tensor, ...] | None = None,
        attentions: Tensor | None = None,
    ) -> SequenceClassifierOutput:
        """Assemble what `forward` returns: logits (batch, num_labels), the loss where labels are given, the rest.

        `hidden_states` ends with the clip embedding (batch, dim) that the head classifies; `attentions` are the weights
        (batch, steps) of steps that share the input's time evenly.
        """
        loss = None if labels is None else self.criterion(logits, labels)
        return SequenceClassifierOutput(loss=loss, logits=logits, hidden_states=hidden_states, attentions=attentions)

    # --- training -----------------------------------------------------------------------------------------------

    def setup(self, stage: str) -> None:
        """Check the data's classes, and tell it what this model has seen; make the metrics.

        Here, for made in `__init__`, `from_pretrained` would strand them on the meta device.

        Raises:
            InputError: The data has other classes, or the same in another order.
        """
        data: Any = getattr(self.trainer, "datamodule", None)
        names = getattr(data, "labels", self.config.class_names)
        if list(names) != self.config.class_names:
            raise InputError(
                f"the model tells {', '.join(self.config.class_names)}, but the data has {', '.join(names)}; give data "
                f"with these classes, or a new model with labels={list(names)}"
            )
        if hasattr(data, "remember"):
            data.remember(self.config.trained_on)
        self.metrics = nn.ModuleDict(
            {name: MetricCollection(ser_metrics(self.config.num_labels), prefix=f"{name}/") for name in ("val", "test")}
        )

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Refuse a checkpoint of another architecture or size in one sentence, and take over what it has seen.

        Raises:
            InputError: The checkpoint's configuration is another one than this model's.
        """
        # What only names files, versions or classes in print does not change a tensor.
        refuse_other(checkpoint["hyper_parameters"]["config"], self.config.to_dict(), "with", but=UNSHAPED)
        if told := checkpoint.get("SERDataModule", {}).get("trained_on"):
            self.config.trained_on = provenance(told)

    def on_train_end(self) -> None:
        """Remember what the model was trained on, for `save_pretrained`."""
        data: Any = getattr(self.trainer, "datamodule", None)
        if hasattr(data, "provenance"):
            self.config.trained_on = data.provenance()

    def on_fit_start(self) -> None:
        """Enter training mode: `from_pretrained` leaves evaluation mode, and `Trainer.fit` would keep it."""
        self.train()

    def training_step(self, batch: dict[str, Any], _batch_index: int) -> Tensor:
        """Return the loss of one batch, as the data module collates it."""
        loss: Tensor = self(**_tensors(batch)).loss
        self.log("train/loss", loss, prog_bar=True, on_step=False, on_epoch=True, **self._sync(batch))
        return loss

    def validation_step(self, batch: dict[str, Any], _batch_index: int) -> dict[str, Tensor]:
        """Judge one batch; returns its loss, its logits and the clips' embeddings."""
        return self._judge(batch, "val")

    def test_step(self, batch: dict[str, Any], _batch_index: int) -> dict[str, Tensor]:
        """Judge one batch; returns its loss, its logits and the clips' embeddings."""
        return self._judge(batch, "test")

    def predict_step(self, batch: dict[str, Any], _batch_index: int) -> Tensor:
        """Return class probabilities (batch, num_labels)."""
        inputs = {name: value for name, value in _tensors(batch).items() if name != "labels"}
        probabilities: Tensor = self(**inputs).logits.softmax(dim=-1)
        return probabilities

    def configure_optimizers(self) -> Any:
        """Return Adam with its usual 1e-3, for a Trainer used without a recipe; recipes bring their own."""
        return torch.optim.Adam(self.parameters(), lr=1e-3)

    def _judge(self, batch: dict[str, Any], part: str) -> dict[str, Tensor]:
        output = self(**_tensors(batch))
        metrics: MetricCollection = self.metrics[part]  # type: ignore[assignment]
        metrics.update(output.logits, batch["labels"])
        self.log(f"{part}/loss", output.loss, prog_bar=True, **self._sync(batch))
        self.log_dict(metrics, prog_bar=True, batch_size=len(batch["labels"]))
        embedding = output.hidden_states[-1] if output.hidden_states else output.logits
        return {"loss": output.loss, "logits": output.logits, "embedding": embedding}

    def _sync(self, batch: dict[str, Any]) -> dict[str, Any]:
        return {"sync_dist": self.trainer.world_size > 1, "batch_size": len(batch["labels"])}


class UnweightedAverageRecall(MulticlassRecall):
    """Mean of the recalls of the classes that the clips have.

    torchmetrics' macro average also counts, with a recall of 0, a class that no clip has but that is predicted.
    """

    def compute(self) -> Tensor:
        """Return the UAR, a scalar."""
        hits = dim_zero_cat(self.tp)
        clips = hits + dim_zero_cat(self.fn)
        return (hits[clips > 0] / clips[clips > 0]).mean()


def ser_metrics(num_labels: int) -> dict[str, Any]:
    """Return the field's metrics: UAR (unweighted average recall), WAR (accuracy) and macro F1."""
    return {
        "uar": UnweightedAverageRecall(num_labels),
        "war": MulticlassAccuracy(num_labels, average="micro"),
        "f1": MulticlassF1Score(num_labels, average="macro"),
    }


def _tensors(batch: dict[str, Any]) -> dict[str, Tensor]:
    """Leave out what names the clips (strings): the rest are the arguments of `forward`."""
    return {name: value for name, value in batch.items() if isinstance(value, Tensor)}
