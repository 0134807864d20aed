"""Registering in bulk, one module per noun: read what is stored, compare hashes, write what differs.

Statements grow with chunks of rows, never with single definitions; what has not changed is not written.
"""
