import socket
from pathlib import Path

import pytest
from click.testing import CliRunner

from experiments.replay import ServiceClient, ServiceNotReadyError
from sunspot.demo import command
from sunspot.processes import free_port, python_server


def test_an_unknown_fault_is_refused_with_the_valid_ones() -> None:
    done = CliRunner().invoke(command, ["--fault", "gremlins", "--exit"])
    assert done.exit_code == 2
    assert "slow_database" in done.output


def test_a_folder_without_petshop_is_refused(tmp_path: Path) -> None:
    done = CliRunner().invoke(command, ["--data", str(tmp_path), "--exit"])
    assert done.exit_code == 2
    assert "does not hold petshop" in done.output


def test_a_folder_that_is_not_empty_is_not_written_to(tmp_path: Path) -> None:
    (tmp_path / "precious").touch()
    done = CliRunner().invoke(command, ["--keep", str(tmp_path), "--exit"])
    assert done.exit_code == 2
    assert "not empty" in done.output


def test_a_port_in_use_is_skipped() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        assert free_port(listener.getsockname()[1]) != listener.getsockname()[1]


def test_a_server_ends_with_its_block(tmp_path: Path) -> None:
    port = free_port(0)
    arguments = ["http.server", str(port), "--bind", "127.0.0.1", "--directory", str(tmp_path)]
    with (
        python_server(arguments, log=tmp_path / "log") as process,
        ServiceClient(f"http://127.0.0.1:{port}") as client,
    ):
        client.wait_until_ready("/")
    assert process.poll() is not None


def test_a_service_that_does_not_start_is_reported_with_its_last_answer() -> None:
    with (
        ServiceClient(f"http://127.0.0.1:{free_port(0)}") as client,
        pytest.raises(ServiceNotReadyError, match="refused"),
    ):
        client.wait_until_ready(timeout_s=0.2)
