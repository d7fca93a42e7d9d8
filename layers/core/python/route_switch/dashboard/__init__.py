"""CloudWatch's custom widgets: HTML from counters and prompt versions, without users' texts."""
