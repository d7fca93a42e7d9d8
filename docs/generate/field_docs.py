"""The docstrings of fields: string literals below a field.

Read from the source here rather than with pydantic's `use_attribute_docstrings`, which parses the
source whenever a model is imported, so also at every cold start of the router.
"""

import ast
import inspect
import textwrap

from pydantic import BaseModel


def field_docs(model: type[BaseModel]) -> dict[str, str]:
    """Return the docstring of each documented field, on one line."""
    [cls] = ast.parse(textwrap.dedent(inspect.getsource(model))).body
    assert isinstance(cls, ast.ClassDef)  # noqa: S101 (the source of a class is a class)
    return {
        field.target.id: " ".join(text.value.value.split())
        for field, text in zip(cls.body, cls.body[1:], strict=False)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
        and isinstance(text.value.value, str)
    }
