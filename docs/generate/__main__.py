"""`make docs`: write the generated pages of docs/."""

from pathlib import Path

from docs.generate.pages import GENERATED

if __name__ == "__main__":
    for name, generate in GENERATED.items():
        Path(name).write_text(generate(), "utf-8")
