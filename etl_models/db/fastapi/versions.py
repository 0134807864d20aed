"""Optimistic locking over HTTP: the version of a row as ``ETag``, the one a client has seen as ``If-Match``.

::

    @app.patch("/adverts/{ident}")
    async def change(ident: UUID, changes: AdvertUpdate, response: Response, adverts: Adverts,
                     version: Annotated[int | None, Depends(get_expected_version())]) -> Advert:
        advert = await adverts.update(ident, changes, expected_version=version)
        response.headers["ETag"] = etag(advert)
        return advert
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import Header, HTTPException

_TAG = re.compile(r'"([0-9]{1,18})"')


def etag(row: Any) -> str:
    """Return the entity tag of a row with a ``version``."""
    return f'"{row.version}"'


def get_expected_version(*, required: bool = False) -> Callable[..., Awaitable[int | None]]:
    """Return a dependency: the version named by ``If-Match``, None without one and for ``*``.

    Give it to ``update(..., expected_version=...)``: a row of another version becomes 412. So does a tag that is none
    of ours; with ``required`` a request without the header becomes 428.
    """

    async def expected_version(
        if_match: str | None = Header(None, description="The ETag of what is to be changed."),
    ) -> int | None:
        if if_match is None:
            if required:
                raise HTTPException(428, "Say which version is meant: send the ETag as If-Match.")
            return None
        if if_match.strip() == "*":
            return None
        found = _TAG.fullmatch(if_match.strip())
        if found is None:
            raise HTTPException(412, "If-Match is not the ETag of any version.")
        return int(found[1])

    return expected_version
