from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from weather_report.model import Observation


@pytest.fixture
def day() -> date:
    return date(2024, 12, 6)


@pytest.fixture
def observations(day: date) -> list[Observation]:
    return [
        Observation(
            station=station,
            at=datetime(day.year, day.month, day.day, hour, tzinfo=UTC),
            temperature=base + hour,
            precipitation=0.5 if hour < 4 else 0.0,
            wind=10 + hour,
        )
        for station, base in [("Reykjavik", -10.0), ("Lisbon", 8.0)]
        for hour in range(24)
    ]


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    path = tmp_path / "deep" / "observations.sqlite"
    monkeypatch.setenv("WEATHER_DATABASE", str(path))
    yield path
