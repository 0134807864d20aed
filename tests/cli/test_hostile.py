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
    """Nothing has such a name: not found, refused, or taken for an option; JSON errors stay JSON."""
    for noun in ("jobs", "tags", "component-types"):
        assert check(etl(noun, "show", "--", text)).code != 0
    check(etl("components", "show", "extract", f"--job={text}"))
    check(etl("executions", "show", text))
    check(etl("jobs", "delete", text, "--yes"))
    check(etl(text))
    failed = check(etl("dataclasses", "show", "-o", "json", "--", text))
    assert failed.error["message"]


@every_string
def test_hostile_filters_give_nothing_or_are_refused(filled, etl, text):
    """The filters of lists, the grouping and the zone of statistics, the format and the database."""
    before = etl("executions", "list", "--all", "-o", "json").out
    for option in ("--job", "--key", "--tag", "--since", "--state", "--cursor"):
        check(etl("executions", "list", f"{option}={text}"))
    for option in ("--name", "--status"):
        check(etl("jobs", "list", f"{option}={text}"))
    check(etl("executions", "stats", f"--by=tag:{text}", f"--tz={text}"))
    check(etl("executions", "stats", f"--by=tag:{text}"))
    check(etl("version", f"--output={text}"))
    check(etl("executions", "list", f"--database-url={text}"), CALM | {7})
    assert etl("executions", "list", "--all", "-o", "json").out == before


@every_string
def test_hostile_text_is_recorded_as_it_is_or_refused(filled, etl, text):
    """What was accepted comes back unchanged; what no database can keep is refused, in errors it is replaced."""
    keyed = check(etl("executions", "start", JOB, f"--key={text}", "-o", "json"))
    if keyed.code == 0:
        assert keyed.json["key"] in {text, redact(text)}
        assert etl("executions", "show", f"--job={JOB}", f"--key={text}", "-o", "json").json["id"] == keyed.json["id"]
    begun = check(etl("executions", "start", JOB, f"--parameter=p={text}", f"--tag=t={text}", "-o", "json"))
    if begun.code:
        execution = etl("executions", "start", JOB, "-q").out.strip()
    else:
        execution = begun.json["id"]
        assert begun.json["parameters"]["p"] in {text, redact(text)}
        assert begun.json["tags"]["t"] in {text or None, redact(text)}
    for arguments in ((f"--metric={text}=1",), (f"--component={text}", f"--reads={text}", f"--writes={text}")):
        check(etl("executions", "log", execution, *arguments))
    told = (f"--reason={text}", f"--error-message={text}", f"--error-type={text}")
    check(etl("executions", "finish", execution, "--state=failed", *told))
    check(etl("executions", "show", execution, "-v"))
    document = etl("executions", "show", execution, "-o", "json").json
    if text.isprintable() and 0 < len(text) < 1000:
        assert document["error"]["message"] in {text, redact(text)}
