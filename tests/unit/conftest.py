"""Properties are checked with the same examples in every run; `make soak` looks for new ones.

Neither has a deadline: an example takes as long as the machine's other work lets it.
"""

from hypothesis import settings

from tests.support.effort import PROFILE, draws

settings.register_profile(
    PROFILE,
    settings.get_profile("ci"),
    derandomize=PROFILE == "ci",
    max_examples=draws(40, 2000),
)
settings.load_profile(PROFILE)
