"""What `sunspot roles check` says of an exposition."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from expositions import EXPOSITIONS
from hypothesis import given
from hypothesis import strategies as st
from local_servers import answering

from sunspot.exposition import BadExpositionError, series_in
from sunspot.roles import command

if TYPE_CHECKING:
    from pathlib import Path

NODE = EXPOSITIONS[0].text
OWN = "- {rule: jobs, role: saturation, metric: jobs_queued, combine: sum}\n"


def checked(*arguments: str, code: int = 0) -> str:
    done = CliRunner().invoke(command, ["check", *arguments])
    assert done.exit_code == code, done.output
    return done.output


def document(path: Path, *arguments: str) -> dict[str, list[dict[str, object]]]:
    found: dict[str, list[dict[str, object]]] = json.loads(checked(str(path), "--json", *arguments))
    return found


def test_a_table_says_what_is_read_and_what_is_not(tmp_path: Path) -> None:
    path = tmp_path / "metrics.txt"
    path.write_text(NODE + "p99_latency 3\nbuild_info 1\n")
    lines = checked(str(path), "--label", "instance=host-1:9100").splitlines()
    assert lines[0].split() == ["role", "rule", "metrics", "unit", "series", "items"]
    assert lines[1].split() == ["cpu", "node-cpu", "node_cpu_seconds_total", "seconds", "2", "1"]
    assert "items named by instance: 1" in lines
    assert any(line.startswith("  p99_latency: latency is read from means") for line in lines)
    assert "  build_info: 1" in lines
    assert "  cpu process-cpu: an earlier rule counts" in lines


def test_metrics_with_the_same_advice_are_listed_together(tmp_path: Path) -> None:
    path = tmp_path / "metrics.txt"
    path.write_text("".join(f"jobs_{n}_failed_total 1\n" for n in range(9)))
    (line,) = [each for each in checked(str(path)).splitlines() if "looks like errors" in each]
    assert "jobs_5_failed_total, and 3 more: looks like errors" in line


def test_series_without_an_item_are_told(tmp_path: Path) -> None:
    path = tmp_path / "metrics.txt"
    path.write_text("build_info 1\n")
    found = checked(str(path))
    assert "no metric has a role" in found
    assert "some series name no item: use --label" in found


def test_a_document_holds_the_same(tmp_path: Path) -> None:
    path = tmp_path / "metrics.txt"
    path.write_text(NODE + "latency_ms 4\nredis_memory_used_bytes 5\n")
    found = document(path, "--label", "job=db")
    rules = {each["rule"]: each for each in found["roles"]}
    assert rules["golden name"]["metrics"] == ["latency_ms"]
    assert rules["node-memory"]["metrics"] == ["node_memory_MemAvailable_bytes", "node_memory_MemTotal_bytes"]
    assert {
        "rule": "redis-memory",
        "role": "memory",
        "reason": "there is no redis_memory_max_bytes to divide by",
    } in (found["unused"])
    assert found["items_by_label"] == {"job": 1}


def test_an_address_is_scraped_and_names_the_instance() -> None:
    with answering(200, NODE.encode()) as url:
        found = json.loads(checked(f"{url}/metrics", "--json"))
    assert found["items_by_label"] == {"instance": 1}
    assert "node-cpu" in {each["rule"] for each in found["roles"]}


def test_own_rules_come_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, own = tmp_path / "metrics.txt", tmp_path / "own.yaml"
    path.write_text(NODE + "jobs_queued 3\n")
    own.write_text(OWN)
    monkeypatch.setenv("SUNSPOT_ROLES", str(own))
    found = document(path)
    assert [each["rule"] for each in found["roles"] if each["role"] == "saturation"] == ["jobs"]


@pytest.mark.parametrize(
    ("text", "own", "said"),
    [
        ("not an exposition {", OWN, "not in the form of Prometheus"),
        ("a 1\n", OWN + OWN, "line 2, rule 'jobs': line 1 has the same name"),
        ("a 1\n", "\n- {rule: x, role: heat}", "line 2, rule 'x': 'metric' is missing"),
    ],
)
def test_bad_input_is_told(tmp_path: Path, text: str, own: str, said: str) -> None:
    path, rules = tmp_path / "metrics.txt", tmp_path / "own.yaml"
    path.write_text(text)
    rules.write_text(own)
    assert said in checked(str(path), "--roles", str(rules), code=1)


def test_an_address_without_metrics_is_told() -> None:
    with answering(404, b"") as url:
        assert f"{url} answers 404" in checked(url, code=1)
    assert "cannot be read" in checked(url, code=1)


def test_a_file_that_is_not_there_and_a_label_without_a_value_are_told(tmp_path: Path) -> None:
    assert "No such file" in checked(str(tmp_path / "none"), code=1)
    assert "is not NAME=VALUE" in checked("x", "--label", "job", code=2)


def test_openmetrics_is_read_too() -> None:
    text = '# TYPE a counter\na_total{job="x"} 1 # {trace_id="1"} 0.5\na_created{job="x"} 1\n# EOF\n'
    assert [key.metric for key in series_in(text, added={}, item_labels=("job",)).keys] == ["a_total"]


@given(st.text(max_size=80))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        series_in(text, added={"job": "x"}, item_labels=("job",))
    except BadExpositionError:
        return
