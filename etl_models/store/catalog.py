"""The catalog: definitions in, definitions out; one small facade per noun, all with the same method names."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from etl_models.database import AsyncDatabase, Database
from etl_models.operations.catalog import component, component_type, dataclass, export, job, metric, tag
from etl_models.operations.catalog.register import register, register_component_type, register_metric
from etl_models.reads.definition import RegistrationResult
from etl_models.specs.loaded import Loaded
from etl_models.specs.loader import load_with_places
from etl_models.specs.reading import Source
from etl_models.store.faces import AsyncFace, Face, async_reads, async_writes, reads, writes


class Jobs(Face):
    """Jobs, by ``namespace/name``."""

    get = reads(job.get_job)
    find = reads(job.find_job)
    list = reads(job.list_jobs)
    history = reads(job.job_history)
    delete = writes(job.delete_job)
    restore = writes(job.restore_job)
    export = reads(export.export_job)


class Components(Face):
    """Components, by their name and the job they belong to."""

    get = reads(component.get_component)
    find = reads(component.find_component)
    list = reads(component.list_components)
    history = reads(component.component_history)
    delete = writes(component.delete_component)
    restore = writes(component.restore_component)
    export = reads(export.export_component)


class Dataclasses(Face):
    """Dataclasses, by ``namespace/name``."""

    get = reads(dataclass.get_dataclass)
    find = reads(dataclass.find_dataclass)
    list = reads(dataclass.list_dataclasses)
    history = reads(dataclass.dataclass_history)
    delete = writes(dataclass.delete_dataclass)
    restore = writes(dataclass.restore_dataclass)
    export = reads(export.export_dataclass)


class Metrics(Face):
    """Definitions of metrics, by ``namespace/name``."""

    get = reads(metric.get_metric)
    find = reads(metric.find_metric)
    list = reads(metric.list_metrics)
    delete = writes(metric.delete_metric)
    restore = writes(metric.restore_metric)
    export = reads(export.export_metric)


class Tags(Face):
    """Tags, by ``key`` or ``key=value``."""

    get = reads(tag.get_tag)
    find = reads(tag.find_tag)
    list = reads(tag.list_tags)
    history = reads(tag.tag_history)
    delete = writes(tag.delete_tag)
    restore = writes(tag.restore_tag)


class ComponentTypes(Face):
    """Registered component types, by name."""

    get = reads(component_type.get_component_type)
    find = reads(component_type.find_component_type)
    list = reads(component_type.list_component_types)


class Catalog(Face):
    """Registering definitions, and by noun everything else that can be done with them.

    A source is a path (of a file or a folder), ``-`` for standard input, a mapping or a spec.
    """

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.jobs = Jobs(database)
        self.components = Components(database)
        self.dataclasses = Dataclasses(database)
        self.metrics = Metrics(database)
        self.tags = Tags(database)
        self.component_types = ComponentTypes(database)

    register = writes(register)
    register_metric = writes(register_metric)
    register_component_type = writes(register_component_type)

    def apply(self, source: Source | Sequence[Source]) -> RegistrationResult:
        """Register everything that one source or several define, all of it or nothing.

        Raises :class:`DefinitionError` with every problem of every file.
        """
        return self._register(load_with_places(source))

    def register_job(self, source: Source | Sequence[Source]) -> RegistrationResult:
        """Register jobs, and what else their documents define. Raises as :meth:`apply`, and for input without a job."""
        return self._register(load_with_places(source, kind="job"))

    def register_dataclass(self, source: Source | Sequence[Source]) -> RegistrationResult:
        """Register dataclasses. Raises as :meth:`apply`, and for input without a dataclass."""
        return self._register(load_with_places(source, kind="dataclass"))

    def register_component(self, source: Source, *, job: str) -> RegistrationResult:
        """Register one bare component as part of the job ``namespace/name``.

        Raises as :meth:`apply`, and :class:`NotFoundError` for an unknown job.
        """
        loaded = load_with_places(source, kind="component")
        with loaded.placing():
            return self._database.run(component.register_component, loaded.component, job=job)

    def _register(self, loaded: Loaded) -> RegistrationResult:
        with loaded.placing():
            return self.register(loaded.document)


class AsyncJobs(AsyncFace):
    """Jobs, by ``namespace/name``."""

    get = async_reads(job.get_job)
    find = async_reads(job.find_job)
    list = async_reads(job.list_jobs)
    history = async_reads(job.job_history)
    delete = async_writes(job.delete_job)
    restore = async_writes(job.restore_job)
    export = async_reads(export.export_job)


class AsyncComponents(AsyncFace):
    """Components, by their name and the job they belong to."""

    get = async_reads(component.get_component)
    find = async_reads(component.find_component)
    list = async_reads(component.list_components)
    history = async_reads(component.component_history)
    delete = async_writes(component.delete_component)
    restore = async_writes(component.restore_component)
    export = async_reads(export.export_component)


class AsyncDataclasses(AsyncFace):
    """Dataclasses, by ``namespace/name``."""

    get = async_reads(dataclass.get_dataclass)
    find = async_reads(dataclass.find_dataclass)
    list = async_reads(dataclass.list_dataclasses)
    history = async_reads(dataclass.dataclass_history)
    delete = async_writes(dataclass.delete_dataclass)
    restore = async_writes(dataclass.restore_dataclass)
    export = async_reads(export.export_dataclass)


class AsyncMetrics(AsyncFace):
    """Definitions of metrics, by ``namespace/name``."""

    get = async_reads(metric.get_metric)
    find = async_reads(metric.find_metric)
    list = async_reads(metric.list_metrics)
    delete = async_writes(metric.delete_metric)
    restore = async_writes(metric.restore_metric)
    export = async_reads(export.export_metric)


class AsyncTags(AsyncFace):
    """Tags, by ``key`` or ``key=value``."""

    get = async_reads(tag.get_tag)
    find = async_reads(tag.find_tag)
    list = async_reads(tag.list_tags)
    history = async_reads(tag.tag_history)
    delete = async_writes(tag.delete_tag)
    restore = async_writes(tag.restore_tag)


class AsyncComponentTypes(AsyncFace):
    """Registered component types, by name."""

    get = async_reads(component_type.get_component_type)
    find = async_reads(component_type.find_component_type)
    list = async_reads(component_type.list_component_types)


class AsyncCatalog(AsyncFace):
    """As :class:`Catalog`, with ``await``. Files are read in a thread."""

    def __init__(self, database: AsyncDatabase) -> None:
        super().__init__(database)
        self.jobs = AsyncJobs(database)
        self.components = AsyncComponents(database)
        self.dataclasses = AsyncDataclasses(database)
        self.metrics = AsyncMetrics(database)
        self.tags = AsyncTags(database)
        self.component_types = AsyncComponentTypes(database)

    register = async_writes(register)
    register_metric = async_writes(register_metric)
    register_component_type = async_writes(register_component_type)

    async def apply(self, source: Source | Sequence[Source]) -> RegistrationResult:
        """Register everything that one source or several define. Raises as :meth:`Catalog.apply`."""
        return await self._register(await asyncio.to_thread(load_with_places, source))

    async def register_job(self, source: Source | Sequence[Source]) -> RegistrationResult:
        """Register jobs, and what else their documents define. Raises as :meth:`Catalog.register_job`."""
        return await self._register(await asyncio.to_thread(load_with_places, source, kind="job"))

    async def register_dataclass(self, source: Source | Sequence[Source]) -> RegistrationResult:
        """Register dataclasses. Raises as :meth:`Catalog.register_dataclass`."""
        return await self._register(await asyncio.to_thread(load_with_places, source, kind="dataclass"))

    async def register_component(self, source: Source, *, job: str) -> RegistrationResult:
        """Register one bare component as part of a job. Raises as :meth:`Catalog.register_component`."""
        loaded = await asyncio.to_thread(load_with_places, source, kind="component")
        with loaded.placing():
            return await self._database.run(component.register_component, loaded.component, job=job)

    async def _register(self, loaded: Loaded) -> RegistrationResult:
        with loaded.placing():
            return await self.register(loaded.document)
