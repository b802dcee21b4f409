"""Tables that scripts write into README.md, each between two markers."""

from pathlib import Path

from ser_hub.cache import written_aside

README = Path(__file__).resolve().parents[1] / "README.md"


def write_table(begin: str, end: str, table: str) -> None:
    """Replace what stands between two markers.

    Raises:
        SystemExit: A marker is missing.
    """
    before, begun, rest = README.read_text().partition(begin)
    _, ended, after = rest.partition(end)
    if not (begun and ended):
        raise SystemExit(f"{README} lacks {begin} or {end}; put both back where the table is to stand")
    with written_aside(README) as partial:
        partial.write_text(f"{before}{begin}\n{table}\n{end}{after}")
