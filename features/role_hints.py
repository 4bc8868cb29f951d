"""Advice on metrics that look like a role, by their name, but that no rule reads."""

from __future__ import annotations

import re
from typing import Final

from features.role_rules import COUNT_ENDING

QUANTILE: Final = re.compile(r"(^|_)(p\d\d\d?|\d\dth|quantile|percentile|max|median)(_|$)")
OF_THE_RUNTIME: Final = re.compile(r"(go|python|promhttp|process|scrape)_")
LOOKS: Final = (
    ("latency", re.compile(r"(^|_)(latency|duration|response_time|elapsed|rtt)(_|$)")),
    ("errors", re.compile(r"(^|_)(errors?|fail(ed|ures?)|exceptions?|5xx|availability)(_|$)")),
    ("loss", re.compile(r"(^|_)(loss|lost|dropped|drops|retransmits?|retrans)(_|$)")),
    ("cpu", re.compile(r"(^|_)cpu(_|$)")),
    ("memory", re.compile(r"(^|_)(memory|heap|mem|rss)(_|$)")),
    ("saturation", re.compile(r"(^|_)(queue|backlog|lag|pool|utili[sz]ation|saturation|in_use)(_|$)")),
    ("requests", re.compile(r"(^|_)(requests?|rq|queries|qps|rps|calls)(_|$)")),
)
QUANTILE_ADVICE: Final = (
    "latency is read from means: a quantile of one instance cannot be combined with others'. Send the "
    "histogram, or write a rule of your own with combine: max"
)


def hint_of(name: str) -> str:
    """What to do about a metric that no rule reads; empty if its name looks like no role.

    >>> hint_of("p99_latency").partition(":")[0]
    'latency is read from means'
    >>> hint_of("jobs_queue_depth")
    'looks like saturation: write a rule of your own, with its unit'
    >>> hint_of("build_info")
    ''
    """
    if OF_THE_RUNTIME.match(name) or name.endswith(COUNT_ENDING):
        return ""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    for role, pattern in LOOKS:
        if pattern.search(words):
            if role == "latency" and QUANTILE.search(words):
                return QUANTILE_ADVICE
            return f"looks like {role}: write a rule of your own, with its unit"
    return ""
