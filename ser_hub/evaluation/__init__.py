"""What a trained model is worth: metrics, figures and the evidence record."""

from ser_hub.evaluation.report import TestReport

__all__ = ["TestReport"]
