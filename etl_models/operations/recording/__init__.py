"""Recording what runs: executions, attempts, component executions, samples, tags, datasets, and every transition.

=================  ==================================================================================
``starting``       ``start_execution``: a new execution, the same one again, or its next attempt
``finishing``      ``finish_execution``, ``cancel_execution``, ``record_error``: compare-and-set on an attempt
``components``     ``start_component``, ``finish_component``
``facts``          ``record_facts``, ``record_samples``, ``record_datasets``, ``tag_execution``
``whole``          ``record_execution``: an execution that is over, in one unit
``attaching``      ``attach_execution``: what a process needs to go on recording an execution
``batches``        ``Command`` and ``perform``: several of these in one unit
``values``         what they take and give: ``Failure``, ``Sample``, ``Facts``, ``Outcome``
=================  ==================================================================================

Every operation first locks the row of its execution, so those of one execution happen one after the other and those
of different executions never wait for each other. Ids and times come from the caller: running a unit again, or not
knowing whether a commit arrived, changes nothing.
"""
