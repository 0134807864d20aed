"""Strings that break programs, in every argument that takes text: an answer or a clear refusal, never a crash."""

from __future__ import annotations

import pytest

from etl_models.domain.redaction import redact
from etl_models.store import Store
from tests.cli.conftest import DEFINITIONS
from tests.support.hostile import HOSTILE

JOB = "flights/load-flights"
CALM = {0, 2, 3, 4, 5}

every_string = pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())


def check(result, allowed=CALM):
    """An exit code of ours, one short message, and nothing that steers a terminal."""
    assert result.code in allowed, result
    assert "Traceback" not in result.err
    assert len(result.err) < 8000
    assert not set(result.out + result.err) & set("\x00\x07\x1b\x7f\r\u202e\ud800")
    return result


@pytest.fixture(scope="module")
def shared_store(tmp_path_factory):
    """One store for all strings: each adds its own, none is in the way of another."""
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "job.yaml").write_text(DEFINITIONS)
    url = f"sqlite:///{folder / 'etl.db'}"
    with Store(url) as opened:
        opened.catalog.register_job(folder / "job.yaml")
    return url


@pytest.fixture
def filled(shared_store, monkeypatch):
    """A store with the definitions, which commands use without being told."""
    monkeypatch.setenv("ETL_MODELS_DATABASE_URL", shared_store)
    return shared_store


@every_string
def test_hostile_names_are_refused_or_unknown(filled, etl, text):
    """No noun has such a name: not found, refused, or taken for an option; JSON errors stay JSON."""
    for noun in ("jobs", "dataclasses", "metrics", "tags", "component-types"):
        assert check(etl(noun, "show", "--", text)).code != 0
    check(etl("components", "show", text, "--job", JOB))
    check(etl("components", "show", "extract", "--job", text))
    check(etl("executions", "show", text))
    check(etl("jobs", "delete", text, "--yes"))
    check(etl("tags", "history", text))
    failed = check(etl("jobs", "show", "-o", "json", "--", text))
    assert failed.error["message"]
    check(etl(text))
    check(etl("executions", text))


@every_string
def test_hostile_filters_give_nothing_or_are_refused(filled, etl, text):
    """Every filter of every list, and the grouping and zone of statistics."""
    for option in ("--job", "--key", "--tag", "--since", "--state", "--cursor", "--namespace"):
        check(etl("executions", "list", f"{option}={text}"))
    for option in ("--namespace", "--name", "--status", "--tag", "--cursor"):
        check(etl("jobs", "list", f"{option}={text}"))
    check(etl("executions", "stats", f"--by=tag:{text}"))
    check(etl("executions", "stats", f"--by={text}"))
    check(etl("executions", "list", f"--tz={text}"), CALM)
    check(etl("executions", "list", f"--output={text}"))
    check(etl("executions", "list", f"--database-url={text}"), CALM | {7})


@every_string
def test_hostile_text_is_recorded_as_it_is_or_refused(filled, etl, text):
    """What was accepted comes back unchanged; what no database can keep is refused, in errors it is replaced."""
    fields = {
        "key": (f"--key={text}",),
        "parameter": (f"--parameter=p={text}",),
        "tag": (f"--tag=t={text}",),
        "trigger": (f"--trigger={text}",),
    }
    for field, arguments in fields.items():
        begun = check(etl("executions", "start", JOB, *arguments, "-o", "json"), CALM)
        if begun.code:
            continue
        found = begun.json
        kept = {
            "key": found["key"],
            "parameter": found["parameters"].get("p"),
            "tag": found["tags"].get("t") or "",
            "trigger": found["trigger"],
        }[field]
        assert kept in {text, redact(text)}, field
    execution = etl("executions", "start", JOB, "-q").out.strip()
    for arguments in (
        (f"--metric={text}=1",),
        (f"--metric=m={text}",),
        (f"--component={text}",),
        (f"--reads={text}",),
        (f"--writes={text}",),
        (f"--tag={text}",),
    ):
        check(etl("executions", "log", execution, *arguments))
    check(
        etl(
            *("executions", "finish", execution, "--state=failed", f"--reason={text}"),
            *(f"--error-message={text}", f"--error-type={text}"),
        )
    )
    for options in ((), ("-v",), ("-o", "json"), ("-o", "csv"), ("-o", "yaml")):
        shown = etl("executions", "show", execution, *options)
        assert shown.code == 0, shown
        if not options or options == ("-v",):
            check(shown)
    message = etl("executions", "show", execution, "-o", "json").json["error"]
    if message and text.isprintable() and len(text) < 1000:
        assert message["message"] in {text, redact(text)}
