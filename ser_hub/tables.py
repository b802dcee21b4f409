"""Text tables for the command line."""

from collections.abc import Collection, Sequence


def aligned(lines: Sequence[Sequence[str]], to_right: Collection[int]) -> str:
    """Return lines of cells, the head first, with aligned columns.

    Args:
        lines: Cells of each line, as many in each.
        to_right: Numbers of the columns that are aligned to the right.
    """
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if column in to_right else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )
