from __future__ import annotations

import pytest

from telemetry.addresses import shown_address


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://ann:s3cret@mlflow:5000", "http://***@mlflow:5000"),
        ("http://s3cret@mlflow:5000/x", "http://***@mlflow:5000/x"),
        ("postgresql+psycopg://ann:s3c@ret/9@db/mlflow", "postgresql+psycopg://***@db/mlflow"),
        ("mysql://ann:s3cret@a,b:s3cret@c/db", "mysql://***@c/db"),
        ("HTTP://ANN:S3CRET@[::1]:5000/", "HTTP://***@[::1]:5000/"),
        ("http://ann:%73%33cret@h", "http://***@h"),
        ("proxy ann:s3cret@proxy.firm:3128 refused", "proxy ***@proxy.firm:3128 refused"),
        ("pool(host='ann:s3cret@proxy.firm', port=1)", "pool(host='***@proxy.firm', port=1)"),
        ("failed for http://ann:s3cret@h/a and http://bob:s3cret@i/", "failed for http://***@h/a and http://***@i/"),
        ("https://hooks.firm/send?key=s3cret", "https://hooks.firm/send?key=***"),
        ("postgresql://db/mlflow?user=ann&password=s3cret&x=1", "postgresql://db/mlflow?user=ann&password=***&x=1"),
        ("https://h/?X-Amz-Signature=s3cret&sslpassword=s3cret", "https://h/?X-Amz-Signature=***&sslpassword=***"),
    ],
)  # fmt: skip
def test_an_address_is_shown_without_what_must_stay_secret(text: str, shown: str) -> None:
    assert shown_address(text) == shown
    assert shown_address(shown) == shown


@pytest.mark.parametrize(
    "text",
    [
        "http://127.0.0.1:8321/incidents/1",
        "sqlite:////data/mlflow.db",
        "12:30 to ann@firm.example",
        "a=b",
        "",
    ],
)
def test_what_holds_no_secret_stays_as_it_is(text: str) -> None:
    assert shown_address(text) == text
