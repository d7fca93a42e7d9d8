"""The pictures of docs/console.md."""

from pathlib import Path

PICTURES = sorted(Path("docs/images").glob("console-*.png"))
MOST_BYTES = 450_000


def test_each_picture_is_on_the_page_and_small() -> None:
    page = Path("docs/console.md").read_text("utf-8")
    assert PICTURES
    for picture in PICTURES:
        assert f"(images/{picture.name})" in page
        assert picture.stat().st_size <= MOST_BYTES
