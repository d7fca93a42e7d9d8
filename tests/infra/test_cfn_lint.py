"""The template passes cfn-lint, which knows the schemas of all resource types."""

import cfnlint

from tests.infra.conftest import Synthesized

IGNORED = {"W3005": "The CDK adds a DependsOn to a role's policy, and the role comes with it."}


def findings(template: str) -> list[str]:
    config = cfnlint.ManualArgs(ignore_checks=list(IGNORED), regions=["us-east-1"])
    found = cfnlint.lint(template, config=config)
    return [f"{match.rule.id} {match.message}" for match in found]


def test_cfn_lint_finds_nothing_in_prods_template(prod: Synthesized) -> None:
    assert findings(prod.text) == []
    wrong = prod.text.replace('"EndpointAccessMode"', '"EndpointMode"')
    assert any("EndpointMode" in finding for finding in findings(wrong))
