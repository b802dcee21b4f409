"""Use a trained model: `Predictor` here, `transformers.pipeline` elsewhere."""

from ser_hub.inference.predictor import Prediction, Predictor

__all__ = ["Prediction", "Predictor"]
