"""What the local stack raises."""


class LocalStackError(Exception):
    """The local stack cannot do what was asked; the message says why and what to do."""
