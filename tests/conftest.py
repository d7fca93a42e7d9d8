"""What tests of every kind have in common."""

import os
from functools import lru_cache

import botocore.loaders

os.environ["POWERTOOLS_METRICS_NAMESPACE"] = "RouteSwitch/test"

# Each test makes clients of its own. Most of what that takes is reading the descriptions of AWS,
# megabytes of JSON that are the same for all of them.
botocore.loaders.create_loader = lru_cache(botocore.loaders.create_loader)
