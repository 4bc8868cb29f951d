from __future__ import annotations

from experiments.performance.intake_speed import bench_speed


def test_every_decoder_is_timed_beside_a_plain_walk_and_through_http() -> None:
    rows = bench_speed(n_rounds=1, n_requests=4)
    methods = {(row["part"], row["method"]) for row in rows}
    decoders = {part for part, method in methods if method == "protobuf_walk"}
    assert len(decoders) == 6
    assert {(part, "sunspot") for part in decoders} <= methods
    assert ("remote_write_http_1_a_series", "sunspot") in methods
    assert all(float(row["samples_per_s"]) > 0 for row in rows)
