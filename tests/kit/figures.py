"""Figures as Prometheus reads them."""

import urllib.request

from prometheus_client.parser import text_string_to_metric_families

Figures = dict[tuple[str, tuple[str, ...]], float]
"""Values by the names of samples, and the values of their labels in the order of the labels' names."""


def parsed(text: str) -> Figures:
    """All samples of an exposition. None may stand there twice."""
    found: Figures = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            key = sample.name, tuple(value for _, value in sorted(sample.labels.items()))
            assert key not in found, key
            found[key] = sample.value
    return found


def fetched(url: str) -> Figures:
    """Those of a server."""
    with urllib.request.urlopen(url, timeout=10) as answer:
        assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        return parsed(answer.read().decode())
