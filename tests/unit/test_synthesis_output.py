"""What `make up` shows of the CDK's report."""

from local.synthesis import unpriced

REPORT = """\
route-switch-local is in cdk.out. Unzipped, with layers: functions/router 31 MB.

WARNING No judge grades answers. (Annotation)
   route-switch-local aws-cdk-lib.Stack
   Acknowledge with 'Annotation::route-switch:judge'

WARNING openai/x has no known price: its costs will be null. Set it in cdk.json. (Annotation)
   route-switch-local aws-cdk-lib.Stack
"""


def test_only_models_without_a_price_are_shown_without_the_words_of_the_cdk() -> None:
    assert unpriced(REPORT) == (
        "openai/x has no known price: its costs will be null. Set it in cdk.json.\n"
    )
