"""The recorder: what an ETL worker imports to have its executions recorded.

::

    recorder = Recorder("sqlite:///etl.db")
    with recorder.execution("flights/load-flights", key="2013-01-01") as execution:
        with execution.component("extract") as extract:
            extract.metric("rows_out", 842)

It sits inside other people's pipelines, so the store's troubles never become the pipeline's: unless ``strict`` is set,
no error of the store and no bad argument raises. Both are logged (``etl_models.recorder``), what could not be written
is counted (``dropped``, ``last_error``), and the exceptions of the pipeline itself always pass through unchanged.

=====================  ==============================================================================================
``recording``          what a handle knows and decides, without input or output; both faces share it
``blocking``           ``Recorder`` and its handles
``asynchronous``       ``AsyncRecorder`` and its handles
``steps``              how recording asks for writes, and the two drivers that carry them out
``ledger``             what could not be recorded, and what is said about it
``endings``            which exception ends an execution in which state
=====================  ==============================================================================================
"""

from __future__ import annotations

from etl_models.recorder.asynchronous import AsyncComponentHandle, AsyncExecutionHandle, AsyncRecorder
from etl_models.recorder.blocking import ComponentHandle, ExecutionHandle, Recorder

__all__ = [
    "AsyncComponentHandle",
    "AsyncExecutionHandle",
    "AsyncRecorder",
    "ComponentHandle",
    "ExecutionHandle",
    "Recorder",
]
