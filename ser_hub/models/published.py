"""Architectures whose training starts from weights that others have published."""

from abc import abstractmethod
from typing import Any

import torch

from ser_hub.models.base import SERConfig, SERModel


class PublishedConfig(SERConfig):
    """What the configuration of such an architecture has.

    Args:
        weights: Where the published weights come from when a training begins; None, or an empty text, begins at
            random.
        **kwargs: As `SERConfig` takes them.
    """

    def __init__(self, weights: str | None = None, **kwargs: Any) -> None:
        self.weights = weights
        super().__init__(**kwargs)


class PublishedModel(SERModel):
    """Fetches the published weights when a training begins or goes on.

    Not when it is built: a checkpoint of ours holds its own weights, and loads without a network. Whether they were
    fetched is kept with them, so that training which goes on, or starts from a checkpoint of ours, does not lose what
    was learned.
    """

    config: PublishedConfig
    started: torch.Tensor

    def __init__(self, config: PublishedConfig) -> None:
        super().__init__(config)
        self.register_buffer("started", torch.zeros((), dtype=torch.bool))

    @abstractmethod
    def load_published(self, weights: str) -> None:
        """Load the published weights.

        Raises:
            InputError: They cannot be fetched or read, or belong to another architecture.
        """

    def setup(self, stage: str) -> None:
        """Make the metrics; fetch the published weights where a training begins."""
        super().setup(stage)
        if stage == "fit" and self.config.weights and not self.started:
            self.load_published(self.config.weights)
            self.started.fill_(True)
