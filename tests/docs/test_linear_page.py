"""docs/linear.md says what the table says."""

from __future__ import annotations

from pathlib import Path

from pyfront.linear import page

PAGE = Path(__file__).parents[2] / "docs" / "linear.md"


def test_the_page_is_made_from_the_table() -> None:
    assert PAGE.read_text() == page.text(), "run `python -m pyfront.linear.page > docs/linear.md`"
