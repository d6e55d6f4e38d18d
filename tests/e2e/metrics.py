"""Scrapes a server's metrics and reads them by the parser of Prometheus's client library."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample


async def fetch(port: int, request: str = "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n") -> bytes:
    """Send one request to a metrics port, and give everything that comes back."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request.encode())
        async with asyncio.timeout(10):
            return await reader.read()
    except ConnectionError:
        return b""  # cut off
    finally:
        writer.close()


@dataclass(frozen=True, kw_only=True, slots=True)
class Scrape:
    """What one process gave."""

    text: str

    @property
    def samples(self) -> Iterator[Sample]:
        for family in text_string_to_metric_families(self.text):
            yield from family.samples

    def find(self, name: str, **labels: str) -> list[float]:
        """Give the values of a metric with these labels, among others that it may have."""
        return [
            sample.value for sample in self.samples if sample.name == name and labels.items() <= sample.labels.items()
        ]

    def sum(self, name: str, **labels: str) -> float:
        return sum(self.find(name, **labels))


async def scrape(port: int) -> Scrape:
    head, _, body = (await fetch(port)).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK"), head
    assert f"Content-Length: {len(body)}".encode() in head
    return Scrape(text=body.decode())
