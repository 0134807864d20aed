"""Hostile strings and secrets in every field a worker can fill: nothing raises, nothing changes in silence."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Any

import pytest

from etl_models.domain.text import REPLACEMENT
from etl_models.recorder import Recorder
from tests.support.hostile import HOSTILE
from tests.support.recording import JOB, Story, everything

pytestmark = pytest.mark.contract

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class HostileError(Exception):
    """An error with a text of any kind."""


def record_whole(recorder: Any, text: str) -> Any:
    """Put the text into every field there is, after the fact."""
    recorder.record(text)
    return recorder.record(
        JOB,
        key=text,
        parameters={"value": text, "list": [text], text: 1},
        tags=[text, {"label": text}],
        trigger=text,
        state="failed",
        reason=text,
        error=HostileError(text),
        metrics={text: 1},
        reads=[text],
        writes=[f"ns/{text}"],
        components=[
            {"name": "reason", "state": "skipped", "reason": text},
            {"name": "error", "state": "failed", "error": HostileError(text)},
            {"name": text, "metrics": {text: 2}},
        ],
    )


def record_all(recorder: Any, text: str) -> Any:
    """Put the text into every field there is, while it runs."""
    with recorder.execution(
        JOB, key=text, parameters={"value": text, "list": [text], text: 1}, tags={text: text}, trigger=text
    ) as execution:
        execution.tag(text).tag({"label": text}).metric(text, 1).reads(text).writes(f"ns/{text}")
        execution.start_component("reason").finish("skipped", reason=text)
        execution.start_component("error").finish("failed", error=HostileError(text))
        execution.start_component(text).metric(text, 2).finish("succeeded")
        execution.error(text)
        execution.finish("failed", error=HostileError(text), reason=text)
    recorder.execution(text)
    return execution.id


def test_hostile_strings_break_nothing_and_change_nothing_in_silence(
    migrated_url: str, story: Story, caplog: pytest.LogCaptureFixture
) -> None:
    """Recorded text is kept exactly or with U+FFFD and a log; identities are kept exactly or left out and counted."""
    with Recorder(migrated_url) as recorder:
        kept = [judge(name, recorder, story, record_whole, caplog) for name in HOSTILE]
    assert kept.count(True) > len(HOSTILE) / 4


def test_both_faces_take_hostile_strings_alike(recorder: Any, story: Story, caplog: pytest.LogCaptureFixture) -> None:
    """Other drivers, the same result."""
    names = list(HOSTILE)[::7]
    kept = [judge(name, recorder, story, record_whole, caplog) for name in names]
    assert kept.count(True) > len(names) / 4


@pytest.mark.database("sqlite")
def test_handles_take_hostile_strings_as_well(
    migrated_url: str, story: Story, caplog: pytest.LogCaptureFixture
) -> None:
    """The same for what is noted while it runs."""
    with Recorder(migrated_url) as recorder:
        names = list(HOSTILE)[::3]
        kept = [judge(name, recorder, story, record_all, caplog) for name in names]
    assert kept.count(True) > len(names) / 4


def judge(name: str, recorder: Any, story: Story, record: Any, caplog: pytest.LogCaptureFixture) -> bool:
    """Record one string, look at every field, and say whether it was kept as a key."""
    text = HOSTILE[name]
    masked, dropped = _redacted(text), recorder.dropped
    caplog.clear()
    with caplog.at_level(logging.WARNING, "etl_models.recorder"):
        read = story.read(record(recorder, text))
    log = caplog.text
    assert read.state == "failed", name
    components = {found.name: found for found in read.components}

    # Recorded text: never refused.
    for message, limit in (
        (read.reason, 1000),
        (read.error.message if read.error else None, 16_384),
        (components["reason"].reason, 1000),
        (components["error"].error.message if components["error"].error else None, 16_384),
    ):
        kept = shown(masked)
        assert message is not None, name
        assert message == kept if len(kept) <= limit else kept.endswith(message[60:]), name
        assert len(message) <= limit, name
    assert ("U+FFFD" in log) is bool(_UNSTORABLE.search(text)), name

    # Identities: exactly (but for secrets), or not at all.
    assert read.key in (masked, None), name
    assert read.trigger in (masked, None), name
    assert set(read.metrics) <= {masked}, name
    assert set(components) <= {"reason", "error", masked}, name
    assert {found for found in read.tags if found != "label"} <= {masked}, name
    if read.key is None or read.trigger is None or not read.metrics:
        assert recorder.dropped > dropped, name

    # Parameters: exactly, or storable.
    assert read.parameters["value"] in (masked, shown(masked)) or len(text) > 10_000, name
    assert "Traceback" not in log, name
    return read.key is not None


def shown(text: str) -> str:
    """What recorded text has to look like: what no database stores is replaced, visibly."""
    return _UNSTORABLE.sub(REPLACEMENT, text)


def _redacted(text: str) -> str:
    from etl_models.domain.redaction import redact

    return redact(text)


CANARY = "c4n4ryS3cr3tV4lu3"
SECRETS = {
    "password": f"password={CANARY}",
    "quoted": f'{{"api_key": "{CANARY}"}}',
    "url": f"could not connect to postgresql://etl:{CANARY}@db.example.com:5432/etl",
    "option": f"--password {CANARY}",
    "bearer": f"Authorization: Bearer {CANARY}",
    "query": f"https://example.com/x?token={CANARY}",
    "github": f"ghp_{CANARY}{CANARY}",
    "far back": f"password={CANARY}\n" + "x" * 200_000,
    "cut": "x" * 15_000 + f" password={CANARY} " + "y" * 16_300,
    "key": f"-----BEGIN RSA PRIVATE KEY-----\n{CANARY}\n-----END RSA PRIVATE KEY-----",
}


@pytest.mark.parametrize("name", SECRETS)
def test_secrets_reach_neither_the_database_nor_the_log(
    recorder: Any, story: Story, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Masked in errors, reasons, parameters, tags, datasets, names that are refused."""
    text = SECRETS[name]
    with caplog.at_level(logging.DEBUG):
        record_all(recorder, text)
        with pytest.raises(HostileError), recorder.execution(JOB, parameters={"password": CANARY, "dsn": text}):
            raise HostileError(text) from ValueError(text)
        recorder.record(JOB, error=text, reason=text, reads=[text], parameters={"nested": [{"token": CANARY}]})
    assert CANARY not in everything(story.executor)
    assert "********" in everything(story.executor)
    ours = [found.getMessage() for found in caplog.records if found.name.startswith("etl_models")]
    assert not [line for line in ours if CANARY in line]


@pytest.mark.database("sqlite")
def test_secrets_are_in_no_byte_of_the_files(tmp_path: Path) -> None:
    """Neither in the database nor in its log beside it, before and after it is closed."""
    file = tmp_path / "etl.db"
    recorder = Recorder(f"sqlite:///{file}")
    for text in SECRETS.values():
        record_all(recorder, text)
        with pytest.raises(HostileError), recorder.execution(JOB, parameters={"secret_key": CANARY}) as execution:  # noqa: PT012
            execution.reads(f"s3://{CANARY}:{CANARY}@bucket/key?X-Amz-Signature={CANARY}")
            raise HostileError(text)
    before = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    recorder.close()
    after = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"s3://bucket" in after
    for content in (before, after):
        assert CANARY.encode() not in content
        assert CANARY.encode("utf-16-le") not in content
