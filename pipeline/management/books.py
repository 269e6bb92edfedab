"""What commands print about books."""

from rich.console import Console
from rich.table import Table

from pipeline.models.wording import counted
from pipeline.reports.chapters import BookReport, ChapterRow


def print_chapters(report: BookReport, console: Console) -> None:
    """Print a line for each chapter, their sum, and what failed with the command that takes it up again."""
    table = Table("Chapter", "State", box=None, padding=(0, 2, 0, 0))
    for name in ("Verses", "Instances", "Seconds", "Cost"):
        table.add_column(name, justify="right")
    for row in report.chapters:
        table.add_row(f"{row.book} {row.chapter}", row.state, *_numbers(row))
    console.print(table)
    rows = report.chapters
    covered, verses = sum(row.verses_covered for row in rows), sum(row.verses for row in rows)
    found = sum(row.instances for row in rows)
    console.print(
        f"{counted(len(rows), 'chapter')}, {covered:,} of {counted(verses, 'verse')} covered, "
        f"{counted(found, 'instance')}, {sum(row.calls for row in rows):,} calls, {_sum_of_costs(rows)}."
    )
    if report.failures:
        console.print(f"{counted(len(report.failures), 'chapter')} failed:")
        for row in report.failures:
            console.print(f"  {row.book} {row.chapter}: {row.reason} ({row.error[:200]})", soft_wrap=True)
        console.print(f"Retry with:  {report.retry}")


def _numbers(row: ChapterRow) -> tuple[str, str, str, str]:
    cost = "unknown" if row.cost is None else f"${row.cost:.4f}" if row.cost else "-"
    return f"{row.verses_covered}/{row.verses}", f"{row.instances}", f"{row.seconds:.1f}", cost


def _sum_of_costs(rows: list[ChapterRow]) -> str:
    unknown = sum(row.cost is None for row in rows)
    known = f"${sum(row.cost or 0 for row in rows):.4f}"
    return f"{known} and {counted(unknown, 'chapter')} of unknown cost" if unknown else known
