"""Errors of the local stack."""


class LocalStackError(Exception):
    """The local stack cannot do what was asked. The message says why and what to do."""
