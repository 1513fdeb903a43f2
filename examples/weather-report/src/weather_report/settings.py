"""Settings, each from an environment variable that starts with `WEATHER_`."""

from enum import StrEnum
from pathlib import Path

from platformdirs import user_data_path
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Units(StrEnum):
    METRIC = "metric"
    IMPERIAL = "imperial"


def _default_database() -> Path:
    return user_data_path("weather-report") / "observations.sqlite"


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="WEATHER_")

    units: Units = Units.METRIC
    database: Path = Field(default_factory=_default_database)
    endpoint: str = "https://archive-api.open-meteo.com/v1/archive"
