"""The stack of the end-to-end tests, whose models each test scripts."""

from tests.e2e.conftest import scripted

__all__ = ["scripted"]
