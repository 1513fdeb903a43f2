"""What is observed, and where. Every value is in SI-like units: °C, mm, km/h."""

from datetime import datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError(f"unknown time zone `{name}`") from error
    return name


class Station(BaseModel):
    """A place with a name."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(min_length=1)]
    latitude: Annotated[float, Field(ge=-90, le=90)]
    longitude: Annotated[float, Field(ge=-180, le=180)]
    timezone: Annotated[str, AfterValidator(_known_zone)] = "UTC"


class Observation(BaseModel):
    """One hour at one station; the time has its zone."""

    model_config = ConfigDict(frozen=True)

    station: str
    at: datetime
    temperature: float
    precipitation: Annotated[float, Field(ge=0)]
    wind: Annotated[float, Field(ge=0)]


class StationFile(BaseModel):
    """The content of a stations file."""

    model_config = ConfigDict(extra="forbid")

    stations: list[Station]


def load_stations(path: Path) -> list[Station]:
    """Reads a stations file (YAML); raises `pydantic.ValidationError` when it is not one."""
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    return StationFile.model_validate(content).stations
