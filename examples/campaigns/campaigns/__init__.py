"""A small marketing database: campaigns and their ads, what they cost each day, and who may change them."""

from __future__ import annotations
