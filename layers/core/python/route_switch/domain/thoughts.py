"""A model's thoughts inside its text: `<think>…</think>` and its variants."""

import re

_TAG = re.compile(r"<(/?)(?:think|thinking|thought|reasoning)>", re.IGNORECASE)


def without_thoughts(text: str) -> str | None:
    """Return the text after the model's thoughts, or None if a thought is not finished.

    Some chat templates write the opening tag themselves, so that a reply has the closing one only:
    everything before it is thought as well. Linear in the length of the text.
    """
    said: list[str] = []
    depth = start = 0
    for tag in _TAG.finditer(text):
        opens = not tag[1]
        if opens and depth == 0:
            said.append(text[start : tag.start()])
        elif not opens and depth == 0:
            said.clear()
        depth = max(depth + (1 if opens else -1), 0)
        start = tag.end()
    return None if depth else "".join((*said, text[start:])).strip()
