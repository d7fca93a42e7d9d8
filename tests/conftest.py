"""Setup for all kinds of tests."""

import os
from functools import lru_cache

import botocore.loaders

os.environ["POWERTOOLS_METRICS_NAMESPACE"] = "RouteSwitch/test"

# Each test creates its own clients. Most of the time goes into reading the descriptions of AWS:
# megabytes of JSON that are the same for all clients.
botocore.loaders.create_loader = lru_cache(botocore.loaders.create_loader)
