"""What tests of every kind have in common."""

from functools import lru_cache

import botocore.loaders

# Each test makes clients of its own. Most of what that takes is reading the descriptions of AWS,
# megabytes of JSON that are the same for all of them.
botocore.loaders.create_loader = lru_cache(botocore.loaders.create_loader)
