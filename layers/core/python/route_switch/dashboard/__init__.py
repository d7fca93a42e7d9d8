"""What CloudWatch's custom widgets show: HTML from counters and versions, without any text of a
request."""
