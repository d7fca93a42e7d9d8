"""Generated pages are up to date, and no field goes unexplained."""

from pathlib import Path

import pytest
from pydantic import BaseModel

from docs.generate.configuration import Section, UndocumentedFieldError, fields_table
from docs.generate.pages import GENERATED


@pytest.mark.parametrize("name", GENERATED)
def test_a_generated_page_is_up_to_date(name: str) -> None:
    assert Path(name).read_text("utf-8") == GENERATED[name](), f"{name} is stale. Run: make docs"


class Undocumented(BaseModel):
    documented_s: float = 1.5
    """A field with a unit."""
    missing_s: float = 1.5


class Unitless(BaseModel):
    speed: float = 1.5
    """A number without a unit."""


def test_a_field_without_a_docstring_is_refused() -> None:
    with pytest.raises(UndocumentedFieldError, match=r"Undocumented\.missing_s has no docstring"):
        fields_table(Section("x", Undocumented))


def test_a_number_without_a_unit_is_refused() -> None:
    with pytest.raises(UndocumentedFieldError, match=r"unit of Unitless\.speed is unknown"):
        fields_table(Section("x", Unitless))
