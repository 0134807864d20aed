"""Redaction: secrets by shape and by name, in time linear in the text."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl_models.domain.redaction import MASK, is_sensitive_key, redact, redact_value

CANARY = "hunter2-CANARY"


@pytest.mark.parametrize(
    "text",
    [
        f"postgresql://etl:{CANARY}@db:5432/x failed",
        f"mysql://etl:p@{CANARY}@db/x",
        f"password={CANARY}",
        f"DB_PASSWORD = '{CANARY}'",
        f'{{"api_key": "{CANARY}"}}',
        f"{{'token': '{CANARY}'}}",
        f"--password {CANARY} --host x",
        f"https://x/y?access_token={CANARY}&z=1",
        f"Authorization: Bearer {CANARY}",
        f"-----BEGIN RSA PRIVATE KEY-----\n{CANARY}\n-----END RSA PRIVATE KEY-----",
        f"-----BEGIN PRIVATE KEY-----\n{CANARY}",
        f"aws_secret_access_key={CANARY}",
        f"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI{CANARY}.abc",
    ],
)
def test_a_secret_leaves_no_trace(text: str) -> None:
    """The secret is gone, and the mask says nothing about it."""
    shown = redact(text)
    assert "CANARY" not in shown
    assert MASK in shown


@pytest.mark.parametrize("text", ["north by compass", "5 tokens were read", "https://x/y", "key error: 'day'", "a:b@c"])
def test_ordinary_text_is_left_alone(text: str) -> None:
    """Words that merely resemble secrets stay."""
    assert redact(text) == text


def test_values_are_masked_by_the_name_of_their_key() -> None:
    """Nested secrets are masked; references to secrets, empty values and ordinary keys stay."""
    value = {
        "password": CANARY,
        "nested": [{"apiKey": 12345, "url": f"x://u:{CANARY}@h"}],
        "warehouse": {"password": {"secret": "warehouse_password"}},
        "token_count": 3,
        "secret_name": "x",
        "token": None,
    }
    shown = redact_value(value)
    assert CANARY not in str(shown)
    assert shown["nested"][0]["apiKey"] == MASK
    assert shown["warehouse"] == {"password": {"secret": "warehouse_password"}}
    assert (shown["token_count"], shown["secret_name"], shown["token"]) == (3, "x", None)


@pytest.mark.parametrize("key", ["password", "db_password", "apiKey", "TOKEN", "client_secret", "passwordHash", "pwd"])
def test_sensitive_names_are_known(key: str) -> None:
    """In snake_case, camelCase and capitals alike."""
    assert is_sensitive_key(key)


@pytest.mark.parametrize("key", ["tokenizer", "author", "compass", "secretary", "token_count", "secret_name", "day"])
def test_harmless_names_are_not(key: str) -> None:
    """Names that only contain such a word in another one are left alone."""
    assert not is_sensitive_key(key)


@pytest.mark.parametrize(
    "unit", ["a_", "pass", "://", "a-", "eyJ", "password= ", "x://y:", "Bearer ", "'", "-----BEGIN "]
)
def test_hostile_text_costs_linear_time(unit: str) -> None:
    """100,000 characters made to backtrack take nowhere near the minutes that backtracking over them would."""
    text = unit * (100_000 // len(unit))
    begin = time.process_time()
    redact(text)
    assert time.process_time() - begin < 20


@given(st.text())
def test_redaction_is_stable(text: str) -> None:
    """Redacting twice changes nothing more."""
    assert redact(redact(text)) == redact(text)
