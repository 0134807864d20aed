"""Settings: which source wins, what is refused, and what is never shown."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from etl_models.errors import ConfigurationError
from etl_models.settings import DEFAULT_DATABASE_URL, Settings, load_settings


def url_of(settings: Settings) -> str:
    return settings.database.url.get_secret_value()


@pytest.fixture
def load(tmp_path: Path) -> Any:
    def load(environment: Any = None, **overrides: Any) -> Any:
        return load_settings(directory=tmp_path, environment=environment or {}, **overrides)

    return load


def test_default_is_a_file_in_the_current_directory(load: Any) -> None:
    """Without any setting the store is etl_models.db here."""
    settings = load()
    assert url_of(settings) == DEFAULT_DATABASE_URL == "sqlite:///etl_models.db"
    assert settings.database.is_default_url
    assert settings == Settings()


def test_a_flag_wins_over_the_environment_wins_over_the_file(load: Any, tmp_path: Path) -> None:
    """Each source beats the ones below it, setting by setting."""
    (tmp_path / "etl-models.toml").write_text('[database]\nurl = "sqlite://"\npool_size = 2\ntimeout = 7\n')
    environment = {"ETL_MODELS_DATABASE_URL": "postgresql://env/etl", "ETL_MODELS__DATABASE__POOL_SIZE": "3"}
    settings = load(environment, database_url="mysql://flag/etl")
    assert url_of(settings) == "mysql://flag/etl"
    assert settings.database.pool_size == 3
    assert settings.database.timeout == 7
    assert url_of(load(environment, database_url=None)) == "postgresql://env/etl"
    assert url_of(load()) == "sqlite://"


def test_the_file_is_found_by_walking_up(load: Any, tmp_path: Path) -> None:
    """A configuration file counts for every folder below it; the nearest one wins."""
    (tmp_path / "etl-models.toml").write_text("[database]\npool_size = 2\n")
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    assert load_settings(directory=below, environment={}).database.pool_size == 2
    (tmp_path / "a" / "pyproject.toml").write_text("[tool.etl-models.database]\npool_size = 4\n")
    assert load_settings(directory=below, environment={}).database.pool_size == 4


def test_a_pyproject_of_something_else_is_passed_by(load: Any, tmp_path: Path) -> None:
    """A pyproject.toml without our table does not end the search."""
    (tmp_path / "etl-models.toml").write_text("[database]\npool_size = 2\n")
    below = tmp_path / "project"
    below.mkdir()
    (below / "pyproject.toml").write_text('[project]\nname = "other"\n')
    assert load_settings(directory=below, environment={}).database.pool_size == 2


def test_a_relative_sqlite_path_in_a_file_counts_from_that_file(tmp_path: Path) -> None:
    """The same file means the same database from whichever folder the program runs."""
    (tmp_path / "etl-models.toml").write_text('[database]\nurl = "sqlite:///store/etl.db"\n')
    below = tmp_path / "a"
    below.mkdir()
    assert url_of(load_settings(directory=below, environment={})) == f"sqlite:///{tmp_path}/store/etl.db"


def test_secrets_come_from_files(load: Any, tmp_path: Path) -> None:
    """With _FILE appended a variable names a file; the line end is no part of the secret."""
    (tmp_path / "url").write_text("postgresql://etl@db/etl\n")
    (tmp_path / "password").write_text("  geheim \n")
    environment = {
        "ETL_MODELS_DATABASE_URL_FILE": str(tmp_path / "url"),
        "ETL_MODELS__DATABASE__PASSWORD_FILE": str(tmp_path / "password"),
    }
    settings = load(environment)
    assert url_of(settings) == "postgresql://etl@db/etl"
    assert settings.database.password == SecretStr("  geheim ")


def test_secret_files_of_the_configuration_lie_beside_it(tmp_path: Path) -> None:
    """password_file in the configuration counts from the file's own folder."""
    (tmp_path / "etl-models.toml").write_text('[database]\npassword_file = "secret"\n')
    (tmp_path / "secret").write_text("geheim")
    (tmp_path / "a").mkdir()
    assert load_settings(directory=tmp_path / "a", environment={}).database.password == SecretStr("geheim")


@pytest.mark.parametrize(
    ("environment", "complaint"),
    [
        ({"ETL_MODELS__DATABASE__POOLSIZE": "3"}, "did you mean pool_size?"),
        ({"ETL_MODELS__DATABSE__URL": "x"}, "did you mean database?"),
        ({"ETL_MODELS_DATABASE_ULR": "x"}, "did you mean ETL_MODELS_DATABASE_URL?"),
        ({"ETL_MODELS__DATABASE__POOL_SIZE": "many"}, "ETL_MODELS__DATABASE__POOL_SIZE: database.pool_size: Input"),
        ({"ETL_MODELS__DATABASE__POOL_SIZE": "0"}, "greater than or equal to 1"),
        ({"ETL_MODELS__DATABASE": "x"}, "database"),
        ({"ETL_MODELS_DATABASE_URL_FILE": "/nowhere/at/all"}, "cannot read /nowhere/at/all: No such file"),
        (
            {"ETL_MODELS_DATABASE_URL": "sqlite:///a", "ETL_MODELS__DATABASE__URL": "sqlite:///b"},
            "both set database.url",
        ),
    ],
)
def test_what_cannot_work_is_refused(load: Any, environment: Any, complaint: Any) -> None:
    """A wrong variable is an error that names it and what was probably meant."""
    with pytest.raises(ConfigurationError) as caught:
        load(environment)
    assert complaint in caught.value.message
    assert next(iter(environment)).split("__")[0] in caught.value.message


def test_all_problems_are_told_at_once(load: Any, tmp_path: Path) -> None:
    """Whoever mends a configuration mends it in one go."""
    (tmp_path / "etl-models.toml").write_text("[database]\npool_size = -1\nmax_overflw = 1\n[databse]\ntimeout = 1\n")
    with pytest.raises(ConfigurationError) as caught:
        load()
    message = caught.value.message
    assert "database.pool_size" in message
    assert "did you mean max_overflow?" in message
    assert "did you mean database?" in message
    assert message.count(str(tmp_path / "etl-models.toml")) == 3


def test_a_malformed_file_is_named_with_its_line(load: Any, tmp_path: Path) -> None:
    """A syntax error in the configuration file says where it is."""
    (tmp_path / "etl-models.toml").write_text("[database]\npool_size = \n")
    with pytest.raises(ConfigurationError, match=r"etl-models\.toml.*line 2"):
        load()


def test_empty_variables_are_as_good_as_none(load: Any) -> None:
    """Tools that pass every variable on pass the unset ones as empty text."""
    assert load({"ETL_MODELS_DATABASE_URL": ""}).database.is_default_url


def test_variables_of_others_are_let_be(load: Any) -> None:
    """Names that only begin like ours are no business of the settings."""
    assert load({"ETL_MODELS_TEST_DATABASES": "x", "ETL_MODELSX": "y"}) == Settings()


def test_passwords_show_nowhere(load: Any) -> None:
    """Neither repr, str nor a dump of the settings shows a password."""
    settings = load(
        {"ETL_MODELS_DATABASE_URL": "postgresql://etl:geheim@db/etl", "ETL_MODELS_DATABASE_PASSWORD": "streng"}
    )
    for text in (repr(settings), str(settings), repr(settings.model_dump()), settings.model_dump_json()):
        assert "geheim" not in text
        assert "streng" not in text
    assert "postgresql://etl:***@db/etl" in repr(settings)


def test_settings_do_not_change() -> None:
    """Settings are values."""
    with pytest.raises(ValueError, match="frozen"):
        Settings().database.pool_size = 3


def test_settings_are_light() -> None:
    """Reading settings loads neither SQLAlchemy nor pydantic-settings: a short command pays for every import."""
    code = (
        "import sys, etl_models.settings as settings; settings.load_settings();"
        "print({'sqlalchemy', 'sqlmodel', 'alembic', 'pydantic_settings', 'yaml', 'typer'} & set(sys.modules))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "set()"
