"""Properties are checked with the same examples in every run; `make soak` looks for new ones.

Neither has a deadline: an example takes as long as the machine's other work lets it.
"""

from hypothesis import settings

from tests.support.effort import PROFILE

settings.register_profile("long", settings.get_profile("ci"), derandomize=False, max_examples=2000)
settings.load_profile(PROFILE)
