"""Broken files: every problem at once, each with file, line, column and path.

``tests/data/definitions/broken`` holds the files; beside each stands ``<file>.problems`` with what is to be said.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from etl_models.errors import DefinitionError
from etl_models.specs.loader import load, validate_paths

BROKEN = Path(__file__).parents[2] / "data" / "definitions" / "broken"
FILES = sorted(file.name for file in BROKEN.iterdir() if file.suffix != ".problems")


@pytest.mark.parametrize("name", FILES)
def test_every_problem_is_named_with_its_place(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A broken file gives exactly the problems written beside it, in the order of its lines."""
    monkeypatch.chdir(BROKEN)
    with pytest.raises(DefinitionError) as raised:
        validate_paths([name])
    said = [str(problem) for problem in raised.value.problems]
    assert said == (BROKEN / f"{name}.problems").read_text().splitlines()


@pytest.mark.parametrize("name", FILES)
def test_places_are_places_of_the_file(name: str) -> None:
    """Every problem has a line the file has, and a column on it."""
    lines = (BROKEN / name).read_bytes().decode("utf-8", "replace").split("\n")
    with pytest.raises(DefinitionError) as raised:
        validate_paths([BROKEN / name])
    for problem in raised.value.problems:
        assert problem.line is not None
        assert problem.column is not None
        assert 1 <= problem.column <= len(lines[problem.line - 1]) + 1


def test_problems_of_all_files_come_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that cannot be parsed does not hide what is wrong with the others."""
    monkeypatch.chdir(BROKEN)
    names = ["syntax.json", "cycle.yaml", "no_such_file.yaml", "syntax.toml"]
    with pytest.raises(DefinitionError) as raised:
        validate_paths(names)
    assert {problem.file for problem in raised.value.problems} == set(names)
    assert raised.value.exit_code == 3


def test_a_name_defined_in_two_files_is_refused_where_it_comes_again(tmp_path: Path) -> None:
    """The second definition is the problem; its message names the first."""
    first, second = tmp_path / "1.yaml", tmp_path / "2.toml"
    first.write_text("jobs:\n  - name: a\nmetrics: [{name: a}]\n")
    second.write_text("[[jobs]]\nname = 'a'\n[[jobs]]\nname = 'a'\nnamespace = 'other'\n[[dataclasses]]\nname = 'a'\n")
    with pytest.raises(DefinitionError) as raised:
        load(tmp_path)
    [problem] = raised.value.problems
    assert (problem.file, problem.line, problem.column, problem.path) == (str(second), 2, 8, "jobs[0].name")
    assert problem.message == f"the job 'a' is already defined in {first}:2"


def test_dicts_have_paths_but_no_places() -> None:
    """Without a file a problem still says which value is meant."""
    with pytest.raises(DefinitionError) as raised:
        load({"jobs": [{"name": "a", "components": [{"name": "c", "component_type": "t", "depends_on": ["b"]}]}]})
    [problem] = raised.value.problems
    assert problem.path == "jobs[0].components[0].depends_on[0]"
    assert (problem.file, problem.line, problem.column) == (None, None, None)


@pytest.mark.parametrize(
    ("kind", "name", "said"),
    [
        ("document", "bare_component.yaml", "is a component by itself, which belongs to a job"),
        ("job", "bare_component.yaml", "is a component, not a job"),
        ("job", "bare_dataclass.toml", "is a dataclass, not a job"),
        ("dataclass", "bare_job.yaml", "is a job, not a dataclass"),
        ("component", "bare_job.yaml", "is a job, not a component"),
        ("component", "flights.yaml", "is not a component"),
        ("dataclass", "several_documents.yaml", "defines no dataclass"),
    ],
)
def test_a_file_of_the_wrong_kind_is_refused(kind: str, name: str, said: str) -> None:
    """Registering a job from the file of a component says what the file is."""
    with pytest.raises(DefinitionError, match=said):
        load(BROKEN.parent / "good" / name, kind=kind)  # type: ignore[call-overload]


def test_two_components_are_one_too_many() -> None:
    """register-component takes one component."""
    component = {"name": "a", "component_type": "t"}
    with pytest.raises(DefinitionError, match="holds 2 components; exactly one is wanted"):
        load([component, component], kind="component")


def test_routes_need_their_job() -> None:
    """A component by itself cannot say what its successors depend on."""
    with pytest.raises(DefinitionError, match="routes can be read only inside a job"):
        load({"name": "a", "comp_type": "t", "routes": {"out": ["b"]}}, kind="component")


def test_a_folder_without_definitions_is_refused(tmp_path: Path) -> None:
    """A wrong path does not pass for valid definitions."""
    with pytest.raises(DefinitionError, match=r"holds no definition files \(\*.yaml, \*.yml, \*.toml, \*.json\)"):
        validate_paths([tmp_path])


def test_only_so_many_problems_are_listed() -> None:
    """Thousands of faults do not drown the terminal."""
    jobs = [{"name": f"j{index}", "components": [{"name": "c"}]} for index in range(900)]
    files = [{"namespace": f"n{index}", "jobs": jobs} for index in range(3)]
    with pytest.raises(DefinitionError) as raised:
        load(files)
    said = [problem.message for problem in raised.value.problems]
    assert len(said) == 201
    assert said.count("there may be more problems; mend these and check again") == 1
    assert said[-1] == "and 103 more problems"
