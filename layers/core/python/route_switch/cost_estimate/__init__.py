"""What a deployment costs its owner: arithmetic over a stage, its traffic and a dated price list.

Knows no CDK: `infra.billable` says what a stage owns, and `route_switch.cli.estimate` puts both
together.
"""
