"""The cost of a deployment: arithmetic over a stage, its traffic and a dated price list.

It does not know the CDK: `infra.billable` prints what a stage owns, and `route_switch.cli.estimate`
reads that.
"""
