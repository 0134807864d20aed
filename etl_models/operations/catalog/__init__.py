"""Definitions: registering them, reading them, deleting and restoring them; one module per noun.

``register`` applies a whole document, ``pins`` gives recording the definition an execution belongs to.
"""
