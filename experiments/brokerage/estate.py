"""The brokerage's sixty items, and the calls between them, as two literal tables."""

from __future__ import annotations

from typing import NamedTuple


class Component(NamedTuple):
    """One configuration item and its normal behaviour.

    Attributes
    ----------
    kind, team
        As in the CMDB.
    work_ms
        Milliseconds of a core, a disk or a wire that one request occupies.
    peak_use
        Share of its capacity in use at the busiest minute of an ordinary day.
    wait_ms
        Milliseconds of waiting that occupy nothing: a partner's answer, a disk sync.
    home
        The data centre of its primary; empty if it runs in all three.
    """

    kind: str
    team: str
    work_ms: float = 1.0
    peak_use: float = 0.4
    wait_ms: float = 0.0
    home: str = ""


class Call(NamedTuple):
    """How one component calls another while it handles a request.

    Attributes
    ----------
    per_request
        Calls per request of the caller, before retries; ``nan`` if the journey decides.
    stage
        Calls of one stage are sent together, and the next stage waits for all of them.
    timeout_s, retries
        How long the caller waits for one attempt, and how often it retries.
    is_essential
        Whether the caller fails when the call does; otherwise it answers with a default.
    has_breaker
        Whether a circuit breaker stops the calls while most attempts fail.
    behind
        The cache in front of this call; ``per_request`` then counts look-ups, and only misses call.
    """

    caller: str
    callee: str
    per_request: float = 1.0
    stage: int = 0
    timeout_s: float = 1.0
    retries: int = 0
    is_essential: bool = True
    has_breaker: bool = False
    behind: str = ""


JOURNEY = float("nan")
"""Marks a call whose rate is the share of a customer journey in the minute's traffic."""

ENTRY = "mobile-gateway"

COMPONENTS: dict[str, Component] = {
    "mobile-gateway": Component("service", "access", 1.2, 0.40),
    "cdn": Component("cdn", "access", 2.0, 0.30, wait_ms=12.0),
    "link-telecom": Component("link", "access", peak_use=0.42, wait_ms=9.0),
    "link-unicom": Component("link", "access", peak_use=0.38, wait_ms=11.0),
    "link-mobile": Component("link", "access", peak_use=0.45, wait_ms=14.0),
    "login": Component("service", "access", 6.0, 0.35),
    "login-db": Component("database", "access", 2.0, 0.35, home="dc-a"),
    "session": Component("service", "access", 0.6, 0.40),
    "session-cache": Component("cache", "access", 0.15, 0.35),
    "sms": Component("service", "access", 2.0, 0.30, wait_ms=90.0),
    "dc-a": Component("data_centre", "platform"),
    "dc-b": Component("data_centre", "platform"),
    "dc-remote": Component("data_centre", "platform"),
    "audit-queue": Component("queue", "platform", 0.2, 0.30),
    "audit": Component("service", "platform", 2.0, 0.45),
    "audit-db": Component("database", "platform", 1.0, 0.45, home="dc-b"),
    "exchange-feed": Component("service", "market-data", 0.05, 0.35),
    "quote-feed": Component("service", "market-data", 0.3, 0.40),
    "quotes": Component("service", "market-data", 2.0, 0.45),
    "quote-cache": Component("cache", "market-data", 0.12, 0.40),
    "kline": Component("service", "market-data", 5.0, 0.40),
    "kline-cache": Component("cache", "market-data", 0.2, 0.35),
    "kline-db": Component("database", "market-data", 8.0, 0.35, home="dc-a"),
    "news": Component("service", "market-data", 4.0, 0.35),
    "news-cache": Component("cache", "market-data", 0.2, 0.30),
    "news-db": Component("database", "market-data", 6.0, 0.30, home="dc-b"),
    "search": Component("service", "market-data", 5.0, 0.35),
    "search-index": Component("database", "market-data", 12.0, 0.40),
    "account-opening": Component("service", "accounts", 8.0, 0.25),
    "opening-db": Component("database", "accounts", 3.0, 0.25, home="dc-b"),
    "identity-check": Component("service", "accounts", 3.0, 0.25, wait_ms=180.0),
    "face-check": Component("service", "accounts", 120.0, 0.35),
    "account": Component("service", "accounts", 2.0, 0.40),
    "account-cache": Component("cache", "accounts", 0.15, 0.35),
    "account-db": Component("database", "accounts", 2.5, 0.35, home="dc-a"),
    "order": Component("service", "trading", 5.0, 0.45),
    "order-db": Component("database", "trading", 2.2, 0.45, wait_ms=1.0, home="dc-a"),
    "risk-check": Component("service", "trading", 3.0, 0.45),
    "risk-cache": Component("cache", "trading", 0.15, 0.35),
    "risk-db": Component("database", "trading", 3.0, 0.35, home="dc-a"),
    "matching-gateway": Component("service", "trading", 1.0, 0.40, wait_ms=6.0),
    "trade-queue": Component("queue", "trading", 0.2, 0.35),
    "trade-report": Component("service", "trading", 3.0, 0.45),
    "position": Component("service", "trading", 3.0, 0.45),
    "position-cache": Component("cache", "trading", 0.2, 0.35),
    "position-db": Component("database", "trading", 3.0, 0.40, home="dc-a"),
    "funds": Component("service", "funds", 4.0, 0.40),
    "funds-db": Component("database", "funds", 2.0, 0.40, home="dc-a"),
    "bank-gateway": Component("service", "funds", 2.0, 0.30, wait_ms=250.0),
    "ledger": Component("service", "funds", 3.0, 0.40),
    "ledger-db": Component("database", "funds", 2.0, 0.45, home="dc-b"),
    "settlement": Component("service", "funds", 20.0, 0.60),
    "wealth": Component("service", "wealth", 6.0, 0.35),
    "wealth-db": Component("database", "wealth", 3.0, 0.35, home="dc-b"),
    "product": Component("service", "wealth", 2.5, 0.35),
    "product-cache": Component("cache", "wealth", 0.2, 0.30),
    "recommend": Component("service", "wealth", 9.0, 0.40),
    "push-queue": Component("queue", "messaging", 0.2, 0.30),
    "push": Component("service", "messaging", 4.0, 0.45, wait_ms=15.0),
    "push-db": Component("database", "messaging", 1.5, 0.40, home="dc-b"),
}
"""Every configuration item by its id."""

CALLS: tuple[Call, ...] = (
    Call("mobile-gateway", "session", timeout_s=0.5, retries=1),
    Call("mobile-gateway", "login", JOURNEY, 1, timeout_s=3.0),
    Call("mobile-gateway", "quotes", JOURNEY, 1, timeout_s=1.5, retries=1),
    Call("mobile-gateway", "kline", JOURNEY, 1, timeout_s=2.0, retries=1),
    Call("mobile-gateway", "news", JOURNEY, 1, timeout_s=2.0, has_breaker=True),
    Call("mobile-gateway", "search", JOURNEY, 1, timeout_s=2.0),
    Call("mobile-gateway", "account-opening", JOURNEY, 1, timeout_s=5.0),
    Call("mobile-gateway", "order", JOURNEY, 1, timeout_s=3.0),
    Call("mobile-gateway", "position", JOURNEY, 1, timeout_s=2.0, retries=1),
    Call("mobile-gateway", "funds", JOURNEY, 1, timeout_s=3.0),
    Call("mobile-gateway", "wealth", JOURNEY, 1, timeout_s=2.0),
    Call("session", "session-cache", timeout_s=0.1, retries=1, is_essential=False),
    Call("session", "login-db", 1.0, 1, timeout_s=0.4, behind="session-cache"),
    Call("login", "login-db", 1.5, 0, timeout_s=1.0, retries=1),
    Call("login", "account", 0.6, 1, timeout_s=1.0, retries=1),
    Call("login", "sms", 0.08, 2, timeout_s=2.0, is_essential=False),
    Call("quotes", "quote-cache", 2.0, 0, timeout_s=0.1, retries=1, is_essential=False),
    Call("quotes", "quote-feed", 2.0, 1, timeout_s=0.8, retries=2, behind="quote-cache"),
    Call("quote-feed", "exchange-feed", 0.2, 0, timeout_s=0.5, is_essential=False),
    Call("kline", "kline-cache", 1.0, 0, timeout_s=0.1, retries=1, is_essential=False),
    Call("kline", "kline-db", 1.0, 1, timeout_s=1.5, retries=2, behind="kline-cache"),
    Call("news", "news-cache", 1.5, 0, timeout_s=0.1, is_essential=False),
    Call("news", "news-db", 1.5, 1, timeout_s=1.0, retries=1, behind="news-cache"),
    Call("news", "recommend", 0.3, 1, timeout_s=0.4, is_essential=False, has_breaker=True),
    Call("search", "search-index", 1.0, 0, timeout_s=1.2, retries=1),
    Call("search", "product", 0.2, 0, timeout_s=0.5, is_essential=False),
    Call("account-opening", "identity-check", 0.5, 0, timeout_s=3.0, retries=1),
    Call("account-opening", "face-check", 0.3, 1, timeout_s=3.0),
    Call("account-opening", "account", 0.5, 2, timeout_s=1.0),
    Call("account-opening", "opening-db", 1.5, 2, timeout_s=1.0, retries=1),
    Call("account", "account-cache", 1.0, 0, timeout_s=0.1, is_essential=False),
    Call("account", "account-db", 1.0, 1, timeout_s=0.8, retries=2, behind="account-cache"),
    Call("order", "account", 1.0, 0, timeout_s=0.8, retries=1),
    Call("order", "risk-check", 1.0, 0, timeout_s=1.0, retries=1),
    Call("order", "funds", 0.5, 1, timeout_s=1.0),
    Call("order", "order-db", 2.0, 2, timeout_s=1.0, retries=1),
    Call("order", "matching-gateway", 0.7, 3, timeout_s=1.0),
    Call("risk-check", "risk-cache", 2.0, 0, timeout_s=0.1, is_essential=False),
    Call("risk-check", "risk-db", 2.0, 1, timeout_s=0.6, retries=2, behind="risk-cache"),
    Call("risk-check", "position", 0.5, 1, timeout_s=0.6, retries=1),
    Call("position", "position-cache", 1.0, 0, timeout_s=0.1, is_essential=False),
    Call("position", "position-db", 1.0, 1, timeout_s=1.0, retries=2, behind="position-cache"),
    Call("trade-report", "order-db", 0.5, 0, timeout_s=1.0, retries=2),
    Call("trade-report", "position-db", 0.5, 0, timeout_s=1.0, retries=2),
    Call("funds", "funds-db", 1.5, 0, timeout_s=1.0, retries=1),
    Call("funds", "ledger", 0.5, 1, timeout_s=1.0),
    Call("funds", "bank-gateway", 0.08, 2, timeout_s=2.5, is_essential=False, has_breaker=True),
    Call("ledger", "ledger-db", 2.0, 0, timeout_s=1.0, retries=1),
    Call("settlement", "ledger-db", 4.0, 0, timeout_s=5.0, retries=3),
    Call("settlement", "position-db", 2.0, 1, timeout_s=5.0, retries=3),
    Call("settlement", "order-db", 2.0, 1, timeout_s=5.0, retries=3),
    Call("wealth", "product", 1.0, 0, timeout_s=0.8, retries=1),
    Call("wealth", "wealth-db", 1.0, 0, timeout_s=1.0, retries=1),
    Call("wealth", "position", 0.5, 1, timeout_s=0.8),
    Call("wealth", "recommend", 0.5, 1, timeout_s=0.5, is_essential=False, has_breaker=True),
    Call("product", "product-cache", 1.0, 0, timeout_s=0.1, is_essential=False),
    Call("product", "wealth-db", 1.0, 1, timeout_s=0.8, retries=1, behind="product-cache"),
    Call("recommend", "product-cache", 1.0, 0, timeout_s=0.1, is_essential=False),
    Call("recommend", "account", 0.3, 0, timeout_s=0.4, is_essential=False),
    Call("push", "push-db", 1.0, 0, timeout_s=1.0, retries=2),
    Call("audit", "audit-db", 1.0, 0, timeout_s=2.0, retries=2),
)
"""Every synchronous call."""

MESSAGES: tuple[Call, ...] = (
    Call("login", "audit-queue", 1.0, 3, timeout_s=0.3, is_essential=False),
    Call("account-opening", "audit-queue", 2.0, 3, timeout_s=0.3, is_essential=False),
    Call("order", "audit-queue", 1.0, 4, timeout_s=0.3, is_essential=False),
    Call("funds", "audit-queue", 0.5, 3, timeout_s=0.3, is_essential=False),
    Call("order", "trade-queue", 1.0, 4, timeout_s=0.3, retries=1),
    Call("trade-report", "push-queue", 1.0, 1, timeout_s=0.3, is_essential=False),
)
"""Every publication to a queue: the producer waits for the broker, never for the consumer."""

CONSUMERS: dict[str, str] = {"audit-queue": "audit", "trade-queue": "trade-report", "push-queue": "push"}
"""The consumer of each queue."""

HIT_RATIOS: dict[str, float] = {
    "session-cache": 0.97,
    "quote-cache": 0.98,
    "kline-cache": 0.90,
    "news-cache": 0.92,
    "account-cache": 0.92,
    "risk-cache": 0.90,
    "position-cache": 0.85,
    "product-cache": 0.93,
    "cdn": 0.97,
}
"""Share of look-ups answered by a warm cache."""

LINK_SHARES: dict[str, float] = {"link-telecom": 0.4, "link-unicom": 0.25, "link-mobile": 0.35}
"""Share of the customers behind each Internet link."""

PLACEMENT: dict[str, float] = {"dc-a": 0.45, "dc-b": 0.45, "dc-remote": 0.10}
"""Share of the instances in each data centre, for items that run in all three."""

ASSETS_PER_REQUEST = 3.0
"""Static files fetched from the content network per request to the gateway."""
