"""The finders that operations share, one file per noun. They read; what may change is decided above."""
