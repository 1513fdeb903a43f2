"""Observations from the archive of Open-Meteo."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import httpx
import orjson
from tenacity import retry, retry_if_exception, stop_after_attempt, wait_exponential

from weather_report.model import Observation, Station

HOURLY = ("temperature_2m", "precipitation", "wind_speed_10m")


def _worth_a_retry(error: BaseException) -> bool:
    if isinstance(error, httpx.HTTPStatusError):
        return error.response.status_code >= 500
    return isinstance(error, httpx.TransportError)


@retry(
    retry=retry_if_exception(_worth_a_retry),
    stop=stop_after_attempt(3),
    wait=wait_exponential(multiplier=0.01, max=2),
    reraise=True,
)
def fetch_day(
    client: httpx.Client, endpoint: str, station: Station, day: date
) -> list[Observation]:
    """The hours of one day, in the station's own zone; hours without a value are left out."""
    answer = client.get(
        endpoint,
        params={
            "latitude": station.latitude,
            "longitude": station.longitude,
            "timezone": station.timezone,
            "start_date": day.isoformat(),
            "end_date": day.isoformat(),
            "hourly": ",".join(HOURLY),
        },
    )
    answer.raise_for_status()
    hourly = orjson.loads(answer.content)["hourly"]
    zone = ZoneInfo(station.timezone)
    rows = zip(hourly["time"], *(hourly[name] for name in HOURLY), strict=True)
    return [
        Observation(
            station=station.name,
            at=datetime.fromisoformat(time).replace(tzinfo=zone),
            temperature=temperature,
            precipitation=precipitation,
            wind=wind,
        )
        for time, temperature, precipitation, wind in rows
        if None not in (temperature, precipitation, wind)
    ]
