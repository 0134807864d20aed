"""Use cases: plain functions of a session that return frozen reads. They never sleep, read files or commit."""
