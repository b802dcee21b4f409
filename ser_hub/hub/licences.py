"""What the licence of a corpus is called on the Hub, and whether it lets anybody publish the recordings."""

from collections.abc import Sequence

from ser_hub.corpora.base import Corpus

HUB_IDS = {
    "Apache-2.0": "apache-2.0",
    "CC BY 4.0": "cc-by-4.0",
    "CC BY-NC-ND 4.0": "cc-by-nc-nd-4.0",
    "CC BY-NC-SA 4.0": "cc-by-nc-sa-4.0",
    "ODbL 1.0": "odbl",
}
"""The Hub's name of each licence that it knows; every one of these lets the recordings be passed on as they are."""


def licence_for_card(corpora: Sequence[Corpus]) -> tuple[str, str | None]:
    """Return what a card's metadata says of the licences of its corpora.

    Returns:
        The Hub's id of the one licence that they have, and None; or "other", and what the licences are.
    """
    licences = {corpus.licence for corpus in corpora}
    if len(licences) == 1 and (known := HUB_IDS.get(licences.pop())):
        return known, None
    return "other", "; ".join(f"{corpus.licence} ({corpus.title})" for corpus in corpora)


def may_be_published(corpus: Corpus) -> bool:
    """Whether everybody may be given the recordings: by their licence, or because they are the user's own."""
    return corpus.licence in HUB_IDS or not corpus.url
