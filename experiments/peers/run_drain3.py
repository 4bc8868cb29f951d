"""Group lines with drain3; run by the interpreter of drain3's own environment, never imported.

Reads one JSON list of lines from standard input; writes the cluster of each, and the rate, as JSON.
"""

import json
import sys
import time
from importlib import import_module

MASKS = [
    (r"((?<=[^A-Za-z0-9])|^)(([0-9a-f]{2,}:){3,}([0-9a-f]{2,}))((?=[^A-Za-z0-9])|$)", "ID"),
    (r"((?<=[^A-Za-z0-9])|^)(\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3})((?=[^A-Za-z0-9])|$)", "IP"),
    (r"((?<=[^A-Za-z0-9])|^)(0x[a-f0-9A-F]+)((?=[^A-Za-z0-9])|$)", "HEX"),
    (r"((?<=[^A-Za-z0-9])|^)([\-\+]?\d+)((?=[^A-Za-z0-9])|$)", "NUM"),
]
"""Masks of drain3's example configuration, without its word-specific ones."""


def main() -> None:
    """Group the lines on standard input."""
    config = import_module("drain3.template_miner_config").TemplateMinerConfig()
    instruction = import_module("drain3.masking").MaskingInstruction
    config.masking_instructions = [instruction(pattern, name) for pattern, name in MASKS]
    miner = import_module("drain3").TemplateMiner(config=config)
    bodies = json.load(sys.stdin)
    began = time.perf_counter()
    groups = [miner.add_log_message(body)["cluster_id"] for body in bodies]
    rate = len(bodies) / (time.perf_counter() - began)
    json.dump({"groups": groups, "lines_per_s": rate}, sys.stdout)


if __name__ == "__main__":
    main()
