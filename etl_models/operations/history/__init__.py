"""What happened: lists, details and statistics of executions. Reads only; nothing here writes."""
