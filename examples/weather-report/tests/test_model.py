from pathlib import Path

import pytest
from pydantic import ValidationError

from weather_report.model import load_stations

PROJECT = Path(__file__).parent.parent


def test_the_shipped_stations_are_valid() -> None:
    names = [station.name for station in load_stations(PROJECT / "stations.yaml")]
    assert names == ["Lisbon", "Reykjavik", "Wellington"]


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("{name: X, latitude: 91, longitude: 0}", "less than or equal to 90"),
        ("{name: '', latitude: 0, longitude: 0}", "at least 1 character"),
        (
            "{name: X, latitude: 0, longitude: 0, timezone: Moon/Base}",
            "unknown time zone",
        ),
        ("{name: X, latitude: 0, longitude: 0, height: 3}", "Extra inputs"),
    ],
)
def test_a_wrong_station_is_refused(tmp_path: Path, line: str, complaint: str) -> None:
    file = tmp_path / "stations.yaml"
    file.write_text(f"stations:\n  - {line}\n", encoding="utf-8")
    with pytest.raises(ValidationError, match=complaint):
        load_stations(file)
