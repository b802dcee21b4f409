"""The names of the emotions; nothing is imported here, so that a model's files can take it with them."""

EMOTIONS = ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised", "bored")
"""The harmonised emotion names, in the order in which a mixture of corpora numbers its classes."""

EMOTIONS_OF_RAVDESS = EMOTIONS[:8]
"""RAVDESS's own class order, which is also an architecture's default."""
