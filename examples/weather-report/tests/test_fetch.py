from datetime import date, timedelta

import httpx
import pytest

from weather_report.fetch import fetch_day
from weather_report.model import Station

STATION = Station(name="Lisbon", latitude=38.72, longitude=-9.14, timezone="Europe/Lisbon")
ANSWER = {
    "hourly": {
        "time": ["2024-07-01T00:00", "2024-07-01T01:00", "2024-07-01T02:00"],
        "temperature_2m": [18.5, None, 17.0],
        "precipitation": [0.0, 0.0, 1.2],
        "wind_speed_10m": [12.0, 11.0, 9.5],
    }
}
DAY = date(2024, 7, 1)


def _client(*answers: httpx.Response) -> tuple[httpx.Client, list[httpx.Request]]:
    seen: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return answers[len(seen) - 1]

    return httpx.Client(transport=httpx.MockTransport(handle)), seen


def test_hours_carry_the_stations_zone_and_gaps_are_left_out() -> None:
    client, seen = _client(httpx.Response(200, json=ANSWER))
    hours = fetch_day(client, "https://weather.invalid/", STATION, DAY)
    assert [o.temperature for o in hours] == [18.5, 17.0]
    assert hours[0].at.utcoffset() == timedelta(hours=1)
    assert seen[0].url.params["start_date"] == "2024-07-01"


def test_a_server_error_is_tried_again() -> None:
    client, seen = _client(httpx.Response(503), httpx.Response(200, json=ANSWER))
    assert len(fetch_day(client, "https://weather.invalid/", STATION, DAY)) == 2
    assert len(seen) == 2


def test_a_refusal_is_final() -> None:
    client, seen = _client(httpx.Response(400))
    with pytest.raises(httpx.HTTPStatusError):
        fetch_day(client, "https://weather.invalid/", STATION, DAY)
    assert len(seen) == 1
