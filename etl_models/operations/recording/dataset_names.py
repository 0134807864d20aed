"""How a dataset is named, after OpenLineage: the source is the namespace, the place inside it the name.

==================================  ==========================  ======================
written                             namespace                   name
==================================  ==========================  ======================
``s3://bucket/key.csv``             ``s3://bucket``             ``key.csv``
``postgresql://host/db.sales.day``  ``postgres://host:5432``    ``db.sales.day``
``hdfs://node:8020/user/t1``        ``hdfs://node:8020``        ``/user/t1``
``file:///data/flights.csv``        ``file``                    ``/data/flights.csv``
``/data/flights.csv``               ``file``                    ``/data/flights.csv``
``warehouse/raw_flight``            ``warehouse``               ``raw_flight``
``orders``                          ``default``                 ``orders``
==================================  ==========================  ======================

User names, passwords, query and fragment of a URL say how it is reached, not what it is, and may be secret: they are
left out. Names are brought into Unicode normal form C, since some file systems hand out another form.
"""

from __future__ import annotations

import os
import re
import unicodedata
from pathlib import PurePath

from etl_models.domain.naming import DEFAULT_NAMESPACE
from etl_models.domain.redaction import redact
from etl_models.errors import InvalidInputError
from etl_models.models.dataset import MAX_DATASET_NAME_LENGTH, MAX_DATASET_NAMESPACE_LENGTH
from etl_models.operations.recording.cleaning import recorded_name
from etl_models.operations.recording.values import DatasetName

_URL = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<authority>[^/?#]*)(?P<path>[^?#]*)", re.DOTALL)

_MAX_REFERENCE = 10_000
_SAME_AS = {"postgresql": "postgres", "s3a": "s3", "s3n": "s3", "gcs": "gs"}
_PORTS = {"postgres": 5432, "mysql": 3306}
_ROOTED = frozenset({"file", "hdfs", "viewfs", "dbfs", "ftp", "ftps", "sftp", "nfs", "smb", "http", "https", "webhdfs"})
"""Sources whose names are paths from a root; elsewhere the slash after the source only separates."""


def parse_dataset(reference: str | os.PathLike[str]) -> DatasetName:
    """Read a reference to a dataset; a path object means a file (a relative one is taken from the current directory).

    Raises :class:`InvalidInputError` when nothing is left for the name, when a part is too long (255 and 500
    characters) or holds control or invisible characters.
    """
    if isinstance(reference, os.PathLike):
        return _named("file", _absolute(os.fspath(reference)))
    if not isinstance(reference, str):
        raise InvalidInputError(f"dataset must be text or a path, not {type(reference).__name__}", field="dataset")
    text = unicodedata.normalize("NFC", redact(reference[:_MAX_REFERENCE]))
    if found := _URL.match(text):
        return _from_url(found["scheme"].lower(), found["authority"], found["path"])
    if text.startswith("/"):
        return _named("file", text)
    head, slash, tail = text.partition("/")
    return _named(head, tail) if slash else _named(DEFAULT_NAMESPACE, text)


def _absolute(path: str | bytes) -> str:
    if isinstance(path, bytes):
        raise InvalidInputError("dataset must be text or a path, not bytes", field="dataset")
    absolute = PurePath(os.path.abspath(path)).as_posix()  # noqa: PTH100  (text only, nothing is looked up)
    return unicodedata.normalize("NFC", absolute if absolute.startswith("/") else f"/{absolute}")


def _from_url(scheme: str, authority: str, path: str) -> DatasetName:
    scheme = scheme.partition("+")[0]
    scheme = _SAME_AS.get(scheme, scheme)
    host = authority.rpartition("@")[2].lower() if scheme in _PORTS else authority.rpartition("@")[2]
    if scheme == "file" and host in ("", "localhost"):
        return _named("file", path)
    if scheme in _PORTS and host and not re.search(r":\d+$", host):
        host = f"{host}:{_PORTS[scheme]}"
    return _named(f"{scheme}://{host}" if host else scheme, path if scheme in _ROOTED else path.lstrip("/"))


def _named(namespace: str, name: str) -> DatasetName:
    limits = {"namespace": MAX_DATASET_NAMESPACE_LENGTH, "name": MAX_DATASET_NAME_LENGTH}
    return DatasetName(
        recorded_name(namespace, "namespace of a dataset", limit=limits["namespace"]),
        recorded_name(name, "name of a dataset", limit=limits["name"]),
    )
