"""The version of etl-models, in one place: the build, `etl_models.__version__` and the command line read it here."""

__version__ = "0.1.0"
