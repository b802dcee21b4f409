"""Linear support vector machine over a clip's functionals: the classic yardstick of the field.

    functionals (1, n) > Linear

(n + 1) x classes parameters: 712 for eGeMAPS's 88 functionals and 8 classes. It is fitted once, by scikit-learn's
LinearSVC (one class against the rest, squared hinge loss), on all training clips; the hyperplanes then are the weights
of a linear layer, so that it is trained, judged, exported and loaded as every other model. Its probabilities are the
softmax of its decision values: they rank the classes as the machine does, and are not calibrated.
"""

from typing import Any, Literal

import torch
from sklearn.svm import LinearSVC
from torch import Tensor, nn
from transformers.modeling_outputs import SequenceClassifierOutput

from .ser_hub_errors import InputError
from .ser_hub_models_base import SERConfig, SERModel
from .ser_hub_models_layers import full_mask


class LinearSVMConfig(SERConfig):
    """Configuration of the linear support vector machine.

    Args:
        input_size: Number of functionals.
        C: Weight of the errors against the margin's width.
        class_weight: "balanced" weighs the errors of rare classes up; None weighs all alike.
        labels: Class names in the order of the logits.
        **kwargs: As `transformers.PreTrainedConfig` takes them.
    """

    model_type = "linear_svm"

    def __init__(
        self,
        input_size: int = 88,
        C: float = 1.0,  # noqa: N803  # its name in the field
        class_weight: Literal["balanced"] | None = "balanced",
        labels: list[str] | None = None,
        **kwargs: Any,
    ) -> None:
        self.C = C
        self.class_weight = class_weight
        super().__init__(input_size=input_size, labels=labels, **kwargs)


class LinearSVM(SERModel):
    """Linear support vector machine over the mean of a clip's frames; functionals are one frame.

    Args:
        config: Its configuration.
    """

    config: LinearSVMConfig
    config_class = LinearSVMConfig

    def __init__(self, config: LinearSVMConfig) -> None:
        super().__init__(config)
        self.classifier = nn.Linear(self.config.input_size, self.config.num_labels)
        self.post_init()
        self.automatic_optimization = False
        self._clips: list[tuple[Tensor, Tensor]] = []

    def forward(
        self, input_features: Tensor, attention_mask: Tensor | None = None, labels: Tensor | None = None
    ) -> SequenceClassifierOutput:
        """Classify clips.

        Args:
            input_features: (batch, time, input_size).
            attention_mask: (batch, time), 1 where the frame is real; None where all are.
            labels: Class indices (batch,); with them the output has a loss.

        Returns:
            logits (batch, num_labels), hidden_states ((batch, input_size),).
        """
        mask = (full_mask(input_features) if attention_mask is None else attention_mask).to(input_features.dtype)
        embedding = torch.einsum("bt,btd->bd", mask / mask.sum(dim=1, keepdim=True), input_features)
        return self.output(self.classifier(embedding), labels, hidden_states=(embedding,))

    def on_fit_start(self) -> None:
        """Refuse several devices, of which each would have its share of the clips.

        Raises:
            InputError: There are several.
        """
        super().on_fit_start()
        if self.trainer.world_size > 1:
            raise InputError("a support vector machine is fitted to all clips at once; set --trainer.devices=1")

    def training_step(self, batch: dict[str, Any], _batch_index: int) -> Tensor:
        """Collect the clips; with the epoch's last batch, fit the machine to them all.

        Raises:
            InputError: The labels are shares, as mixup makes them, or the training part lacks a class.
        """
        if batch["labels"].ndim > 1:
            raise InputError("a support vector machine needs one class a clip; leave data.augmentation.mixup at 0")
        with torch.no_grad():
            output = self(batch["input_features"], batch["attention_mask"], batch["labels"])
        self._clips.append((output.hidden_states[0].cpu(), batch["labels"].cpu()))
        if self.trainer.is_last_batch:
            self._fit()
        loss: Tensor = output.loss
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Return one that changes nothing: the solver is scikit-learn's, but Lightning counts steps by optimisers."""
        return torch.optim.SGD(self.parameters(), lr=0.0)

    def _fit(self) -> None:
        embeddings, labels = (torch.cat(parts) for parts in zip(*self._clips, strict=True))
        self._clips = []
        if len(set(labels.tolist())) < self.config.num_labels:
            raise InputError("the training part lacks a class; a support vector machine needs clips of each")
        machine = LinearSVC(C=self.config.C, class_weight=self.config.class_weight, random_state=0)
        machine.fit(embeddings.numpy(), labels.numpy())
        weight, bias = torch.from_numpy(machine.coef_), torch.from_numpy(machine.intercept_)
        if len(weight) == 1:  # two classes have one hyperplane
            weight, bias = torch.cat([-weight, weight]), torch.cat([-bias, bias])
        with torch.no_grad():
            self.classifier.weight.copy_(weight)
            self.classifier.bias.copy_(bias)
        self.optimizers().step()  # type: ignore[union-attr]  # without a step no checkpoint would be written
