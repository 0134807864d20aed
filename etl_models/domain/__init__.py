"""Pure rules of the field: no database, no files, no clock but ``clock``."""
