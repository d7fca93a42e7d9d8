"""The model whose signed reasoning a conversation carries.

Only the model that signed reasoning can read it, and providers refuse that of another model. A
session may be continued by another model, which then reads the conversation without it. So the
signer is kept apart from the model of the last answer.
"""

from dataclasses import dataclass

from route_switch.domain.tier_parameters import model_of


@dataclass(frozen=True, slots=True)
class Signer:
    """`model` signed last. The first `foreign_answers` answers of the conversation are older: what
    they carry is another model's."""

    model: str
    foreign_answers: int = 0

    def is_model(self, name: str) -> bool:
        """Whether this is the model, with any parameters: signatures do not depend on them."""
        return model_of(name) == model_of(self.model)


def signer_after(
    before: Signer | None, model: str, *, signs: bool, carried_answers: int
) -> Signer | None:
    """Return the signer after an answer of `model`. `carried_answers` counts the answers in the
    request's messages; 0 if they carry nothing that is signed."""
    if not signs:
        return before
    if before is not None and carried_answers and before.is_model(model):
        return before
    return Signer(model, carried_answers)
