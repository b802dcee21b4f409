"""See what augmentation does to a clip."""

from pathlib import Path

import yaml
from jsonargparse import ArgumentError, ArgumentParser

from ser_hub import audio
from ser_hub.errors import InputError
from ser_hub.evaluation import figures
from ser_hub.training.augmentation import EVERY_WAVEFORM_AUGMENTATION, Augmentation


def preview(file: str | Path, picture: str | Path, recipe: str | Path | None = None) -> Path:
    """Draw a clip's waveform and log-mel spectrogram, as it is and altered.

    Args:
        file: Audio file.
        picture: PNG file to write.
        recipe: YAML recipe whose `data.augmentation` makes the copies; None draws every alteration there is, as it is
            set where a recipe says nothing.

    Returns:
        The picture.

    Raises:
        InputError: The clip cannot be decoded, or the recipe has no augmentation of the waveform.
    """
    samples, rate = audio.decode(file)
    content = audio.content_hash(file)
    augmentation = _of_recipe(recipe) if recipe else Augmentation([[kind()] for kind in EVERY_WAVEFORM_AUGMENTATION])
    clips = {"as it is": samples}
    for chain, alteration in zip(augmentation.copies, augmentation.alterations(), strict=True):
        clips[", ".join(str(step) for step in chain)] = alteration.apply(samples, rate, content)
    figures.waveforms(clips, rate, picture)
    return Path(picture)


def _of_recipe(recipe: str | Path) -> Augmentation:
    parser = ArgumentParser(exit_on_error=False)
    parser.add_argument("--augmentation", type=Augmentation)
    try:
        chosen = yaml.safe_load(Path(recipe).read_text())["data"]["augmentation"]
        augmentation: Augmentation = parser.instantiate_classes(
            parser.parse_object({"augmentation": chosen})
        ).augmentation
    except (OSError, yaml.YAMLError, KeyError, TypeError, ArgumentError) as error:
        raise InputError(f"{recipe} names no augmentation (data.augmentation); give a recipe that does") from error
    if not augmentation.copies:
        raise InputError(f"{recipe} alters no waveform (data.augmentation.copies); give a recipe that does")
    return augmentation
