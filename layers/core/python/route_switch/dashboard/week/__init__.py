"""The weekly report as a page and as text, in the look of the console."""
