"""Definition files: payloads of what people write, how files are read, every check that needs no database."""
