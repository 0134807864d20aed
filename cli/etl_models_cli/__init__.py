"""The command line ``etl-models``. Nobody imports it; it stands on the library's public modules."""
