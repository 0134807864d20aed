"""Puts the users and campaigns of ``data/seed.json`` into the database; what is there already stays as it is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from campaigns.models import Ad, Creative, Marketing, Role, RoleName
from campaigns.repositories import CampaignRepository, UserRepository
from campaigns.settings import DATA, database_url
from etl_models.db import DatabaseManager, Repository, acting_as


def seed(session: Session, document: Mapping[str, Any]) -> int:
    """Add what is missing; return how many campaigns were."""
    roles = {name: Repository(session, Role).upsert(name=name, match=["name"]) for name in RoleName}
    users, campaigns = UserRepository(session), CampaignRepository(session)
    for values in document["users"]:
        if not users.with_deleted().exists(email=values["email"]):
            users.create(**{**values, "roles": [roles[name] for name in values["roles"]]})
    missing = [values for values in document["campaigns"] if not campaigns.with_deleted().exists(name=values["name"])]
    for values in missing:
        owner = users.get_one(email=values["owner"])
        with acting_as(owner.email):
            campaign = campaigns.create(**{**values, "owner": owner, "ads": []})
            for ad_values in values["ads"]:
                add_ad(session, campaign.id, ad_values)
    return len(missing)


def add_ad(session: Session, campaign_id: UUID, values: Mapping[str, Any]) -> Ad:
    """Add an ad with its creatives."""
    ad = Repository(session, Ad).create(**{**values, "campaign_id": campaign_id, "creatives": []})
    Repository(session, Creative).bulk_create({**creative, "ad_id": ad.id} for creative in values["creatives"])
    return ad


def main() -> None:
    """Read the file and say what was added."""
    document = json.loads((DATA / "seed.json").read_text("utf-8"))
    with DatabaseManager(database_url(), metadata=Marketing.metadata) as database:
        print(f"{database.run(seed, document)} campaigns added")


if __name__ == "__main__":
    main()
