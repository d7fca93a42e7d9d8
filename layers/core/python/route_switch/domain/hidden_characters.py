"""Invisible characters, as parts of regular expressions."""

HIDDEN = (
    "\u034f\u115f\u1160\u180b-\u180e\u200b\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb"
    "\U0001d173-\U0001d17a\U000e0000-\U000e007f"
)
"""A class's content. None of them has a meaning in a text."""

MARKS = "\u00ad\u061c\u200e\u200f"
"""A class's content: the soft hyphen and marks of direction, which texts have for a reason."""

SELECTORS = "[\ufe00-\ufe0f\U000e0100-\U000e01ef]{2,}"
"""A single variation selector belongs to its emoji or sign; a run of them only hides a text."""
