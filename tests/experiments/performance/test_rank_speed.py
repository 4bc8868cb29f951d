from experiments.performance.rank_speed import bench_speed


def test_every_part_of_an_answer_is_timed_along_with_pagerank() -> None:
    rows = bench_speed(sizes=(30,), webhook_sizes=(30,), n_repeats=2, n_webhooks=2)
    methods = [row["method"] for row in rows]
    assert methods[0] == "sunspot"
    assert set(methods[1:]) == {
        "sunspot_new_graph",
        "personalised_pagerank",
        "random",
        "build_case",
        "webhook",
    }
    for row in rows:
        assert row["part"] == "services_30"
        assert row["n"] == 2
        assert 0 < float(row["p50_ms"]) <= float(row["p95_ms"])
    ratio = {row["method"]: row["pagerank_ratio"] for row in rows}
    assert ratio["personalised_pagerank"] == 1.0
