"""The data layer: engines, sessions, column types and bases. Knows none of etl-models' own tables."""
