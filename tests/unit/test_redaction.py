"""Personal data and secrets of known form are removed from a text; everything else stays."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from route_switch.domain.api_keys import new_key
from route_switch.domain.learning.redaction import EMAIL, SECRET, contains, redact

# Split in two, so that scanners do not mistake the examples for real secrets.
AWS_KEY = "AKIA" + "IOSFODNN7EXAMPLE"
GITHUB_TOKEN = "ghp" + "_abcdefghijklmnopqrstuvwxyz0123456789"
JWT = "eyJ" + "hbGciOiJIUzI1NiJ9." + "eyJzdWIiOiIxMjM0In0." + "dozjgNryP4J3jVmNHl0w5N"
PRIVATE_KEY = "-----BEGIN RSA PRIVATE" + " KEY-----\nMIIE\nabc=\n-----END RSA PRIVATE KEY-----"

FINDINGS = {
    "write to jane.o'hara+x@mail.example.co.uk, please": "write to [email], please",
    "'bob@example.com' says": "'[email]' says",
    "ärger@bücher.example": "[email]",
    f"my key is {AWS_KEY}.": "my key is [secret].",
    f"{GITHUB_TOKEN} leaked": "[secret] leaked",
    "sk-" + "proj-abcdefghijklmnopqrstuvwx": "[secret]",
    f"Authorization: Bearer {JWT}": "Authorization: Bearer [secret]",
    "Basic " + "dXNlcjpwYXNzd29yZDEyMw==": "Basic [secret]",
    f"see\n{PRIVATE_KEY}\nok": "see\n[secret]\nok",
    PRIVATE_KEY[:40]: "[secret]",
    'password = "hunter2", user': 'password = "[secret]", user',
    "api_key: 9f8e7d6c5b4a": "api_key: [secret]",
    "https://bob:pw@host.example/x is down": "[url] is down",
    "open https://shop.example/cart?user=17 now": "open [url] now",
    "IBAN DE89 3704 0044 0532 0130 00 please": "IBAN [iban] please",
    "gb29nwbk60161331926819": "[iban]",
    "card 4111 1111 1111 1111, 12/29": "card [card], 12/29",
    "378282246310005": "[card]",
    "SSN 078-05-1120": "SSN [ssn]",
    "from 192.168.17.4 to 2001:db8::ff00:42:8329": "from [ip] to [ip]",
    "call +44 (0)20 7946 0958 or 0049-30-901820": "call [phone] or [phone]",
    "(555) 010-9999 or 555.010.9999": "[phone] or [phone]",
    "030 / 12": "030 / 12",
    "0171 2345678": "[phone]",
    "my phone number is 5550109999": "my phone number is [phone]",
}


@pytest.mark.parametrize(("text", "redacted"), FINDINGS.items())
def test_data_of_known_form_is_replaced(text: str, redacted: str) -> None:
    assert redact(text) == redacted


@pytest.mark.parametrize(
    "text",
    [
        "See https://docs.example.org/guide for more.",
        "Order 732201349959 of 2024-05-01 at 12:30:45 costs $65,000.00.",
        "4111 1111 1111 1112 fails Luhn's check, DE88370400440532013000 that of an IBAN",
        "0.001293 g/cm^3, 3.14159 and 1 000 000",
        "std::vector<int> a; b[1::2]; x @ y; token = next(tokens)",
        "I forgot my password. Where do I reset it?",
        "version 1.2.3 of 10.5.2024",
        "[email] [secret] [phone]",
    ],
)
def test_all_other_text_stays(text: str) -> None:
    assert redact(text) == text


def test_the_projects_own_keys_are_secrets() -> None:
    for _ in range(20):
        assert redact(f"key {new_key()} ") == "key [secret] "


fragments = st.sampled_from([*FINDINGS, *FINDINGS.values(), "phone ", "token=", "@", "::", "+"])
texts = st.lists(st.one_of(fragments, st.text(max_size=8), st.from_regex(r"[ -~]{0,12}"))).map(
    "".join
)


@given(texts)
def test_redacting_twice_changes_nothing(text: str) -> None:
    redacted = redact(text)
    assert redact(redacted) == redacted
    assert not contains(SECRET, redacted)
    assert not contains(EMAIL, redacted)


PIECES = ["a", "1", "a.", "a'", "-'", "eyJa", "eyJabcdefgh-", "1 ", "1-", ":", "a:", "a://", "00"]
PIECES += ["sk-a ", "phone ", "password=", "token:a", "-----BEGIN PRIVATE ", "DE89", "bearer a"]
PIECES += ["@a", "a@", "\u0661", "5550109999 "]


@pytest.mark.timeout(20)
@pytest.mark.parametrize("piece", PIECES)
def test_long_texts_are_redacted_quickly(piece: str) -> None:
    redact("phone " + piece * (100_000 // len(piece)))
