"""A plain service for the same call, as most would write it: FastAPI, pydantic, SQLAlchemy's ORM, asyncpg.

It is written with care: a pool of the right size, indexes for its look-ups, one transaction for each call with the row
locked, history in the same transaction, keys as hashes. It runs with the Python of the other projects, and with
uvicorn, uvloop and httptools, like Padrón.
"""

import hashlib
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, FastAPI, Header, HTTPException, Path, Response
from pydantic import BaseModel, Field
from sqlalchemy import ForeignKey, Index, UniqueConstraint, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

engine = create_async_engine(os.environ["BENCH_DATABASE_URL"], pool_size=20, max_overflow=10)
new_session = async_sessionmaker(engine, expire_on_commit=False)


class Base(DeclarativeBase):
    """All tables."""


class ApiKey(Base):
    """Whose requests these are."""

    __tablename__ = "api_keys"

    secret_sha256: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[int]


class Vehicle(Base):
    """A vehicle and what it is."""

    __tablename__ = "vehicles"
    __table_args__ = (UniqueConstraint("account_id", "vin"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int]
    vin: Mapped[str]
    plate: Mapped[str]
    brand_name: Mapped[str]
    model_name: Mapped[str]
    owner_name: Mapped[str]
    status: Mapped[int]
    updated_at: Mapped[datetime] = mapped_column()


class StatusChange(Base):
    """What a vehicle was before and is since."""

    __tablename__ = "status_changes"
    __table_args__ = (Index("status_changes_by_vehicle", "vehicle_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    vehicle_id: Mapped[int] = mapped_column(ForeignKey("vehicles.id"))
    from_status: Mapped[int]
    to_status: Mapped[int]
    changed_at: Mapped[datetime] = mapped_column()
    account_id: Mapped[int]


class StatusBody(BaseModel):
    """What the call takes."""

    vehicleStatusId: Annotated[int, Field(ge=0, le=9)]  # noqa: N815 - the wire's name


class VehicleOut(BaseModel):
    """What a read gives."""

    vin: str
    plate: str
    brandName: str  # noqa: N815
    modelName: str  # noqa: N815
    ownerName: str  # noqa: N815
    vehicleStatusId: int  # noqa: N815
    updatedAt: datetime  # noqa: N815


async def open_session() -> AsyncIterator[AsyncSession]:
    """Give a session for one request."""
    async with new_session() as session:
        yield session


Session = Annotated[AsyncSession, Depends(open_session)]


async def authenticate(session: Session, authorization: Annotated[str, Header()]) -> int:
    """Give the account of the request's key."""
    digest = hashlib.sha256(authorization.removeprefix("Bearer ").encode()).hexdigest()
    key = await session.get(ApiKey, digest)
    if key is None:
        raise HTTPException(401)
    return key.account_id


AccountId = Annotated[int, Depends(authenticate)]
Vin = Annotated[str, Path(pattern="^[A-HJ-NPR-Z0-9]{17}$")]

app = FastAPI()


@app.patch("/api/v2/vehicles/{vin}/status", status_code=204)
async def set_status(vin: Vin, body: StatusBody, session: Session, account_id: AccountId) -> Response:
    """Set a vehicle's status."""
    query = select(Vehicle).where(Vehicle.account_id == account_id, Vehicle.vin == vin).with_for_update()
    vehicle = (await session.execute(query)).scalar_one_or_none()
    if vehicle is None:
        raise HTTPException(404)
    if vehicle.status != body.vehicleStatusId:
        now = datetime.now(UTC).replace(tzinfo=None)
        session.add(
            StatusChange(
                vehicle_id=vehicle.id,
                from_status=vehicle.status,
                to_status=body.vehicleStatusId,
                changed_at=now,
                account_id=account_id,
            )
        )
        vehicle.status = body.vehicleStatusId
        vehicle.updated_at = now
    await session.commit()
    return Response(status_code=204)


@app.get("/api/v2/vehicles/{vin}")
async def get_vehicle(vin: Vin, session: Session, account_id: AccountId) -> VehicleOut:
    """Give a vehicle."""
    query = select(Vehicle).where(Vehicle.account_id == account_id, Vehicle.vin == vin)
    vehicle = (await session.execute(query)).scalar_one_or_none()
    if vehicle is None:
        raise HTTPException(404)
    return VehicleOut(
        vin=vehicle.vin,
        plate=vehicle.plate,
        brandName=vehicle.brand_name,
        modelName=vehicle.model_name,
        ownerName=vehicle.owner_name,
        vehicleStatusId=vehicle.status,
        updatedAt=vehicle.updated_at,
    )


async def create_tables() -> None:
    """Make the schema."""
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    await engine.dispose()


if __name__ == "__main__":
    import asyncio

    asyncio.run(create_tables())
