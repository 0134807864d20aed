"""Measurements: side by side with a peer or the bare interpreter, in one run, as ratios of medians."""
