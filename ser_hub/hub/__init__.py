"""From a Lightning checkpoint to a folder as the Hub has it."""

from ser_hub.hub.export import export

__all__ = ["export"]
