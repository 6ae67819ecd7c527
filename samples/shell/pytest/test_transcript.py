# SPDX-License-Identifier: Apache-2.0
"""Transcript of the README, repeated on the emulated board, and compared.

Twister passes the build's folder. Digests, sizes, times and the count of ticks differ between
boards and runs: they are masked on both sides, as are log lines.
"""

import os
import re
import select
import signal
import subprocess
import time
from pathlib import Path

import pytest

PROMPT = "ocre:~$ "
README = Path(__file__).parent.parent / "README.md"
# A command of the slowest board takes less, in seconds of the PC.
TIMEOUT = 120
QUIET = 1.5

MASKS = [
    (r"\x1b\[[0-9;]*[A-Za-z]", ""),
    (r"sha256:[0-9a-f]+", "sha256:DIGEST"),
    (r"\b\d+ bytes", "N bytes"),
    (r"\b\d+ us", "N us"),
    (r"\btick \d+", "tick N"),
    (r"(Booting Zephyr OS build).*", r"\1"),
    # While the CPU waits, emulated time runs as fast as the PC can.
    (r"warning: the log dropped its \d+ oldest records", ""),
]


def masked(text):
    """Lines of a text that can be compared."""
    for pattern, replacement in MASKS:
        text = re.sub(pattern, replacement, text)
    lines = []
    for line in text.replace("\r", "").split("\n"):
        line = line.replace(PROMPT, "").rstrip()
        is_log = re.match(r"\[\d+:\d+:\d+", line)
        # However often it ticked meanwhile.
        is_repeated = line == "tick N" and lines[-1:] == [line]
        if line and not is_log and not is_repeated:
            lines.append(line)
    return lines


def transcript():
    """Commands of the first transcript in the README, and the lines that each prints."""
    block = re.search(r"```console[^\n]*\n(.*?)```", README.read_text(), re.DOTALL)
    steps = []
    for line in block.group(1).splitlines():
        if line.startswith(PROMPT):
            steps.append((line[len(PROMPT) :], []))
        else:
            steps[-1][1].append(line)
    return [(command, masked("\n".join(lines))) for command, lines in steps]


class Emulator:
    """The firmware on QEMU, and its console."""

    def __init__(self, build):
        # The partition as it was built, also after an earlier run.
        for file in ("flash.bin", "ram.bin"):
            (build / file).unlink(missing_ok=True)
        subprocess.run(["ninja", "ocre_flash"], cwd=build, check=True)
        commands = subprocess.run(
            ["ninja", "-t", "commands", "run"],
            cwd=build,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        ).stdout.splitlines()
        command = next(line for line in commands if "qemu-system" in line)
        # A build of twister's has the console in two pipes.
        command = re.sub(r"-chardev pipe,(\S*),path=\S+", r"-chardev stdio,\1", command)
        # Warnings of QEMU itself go where those of this script go.
        self.process = subprocess.Popen(
            command,
            shell=True,
            cwd=build,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )

    def read(self):
        """Output up to a prompt with nothing behind it for a while."""
        text = ""
        end = time.monotonic() + TIMEOUT
        while time.monotonic() < end:
            ready, _, _ = select.select([self.process.stdout], [], [], QUIET)
            if ready:
                text += os.read(self.process.stdout.fileno(), 4096).decode(errors="replace")
            elif re.sub(MASKS[0][0], "", text).endswith(PROMPT):
                return text
        raise AssertionError(f"no prompt came after: {text}")

    def run(self, command):
        """Output of a command, without the command."""
        self.process.stdin.write(f"{command}\n".encode())
        self.process.stdin.flush()
        lines = masked(self.read())
        return lines[1:] if lines[:1] == [command] else lines

    def end(self):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@pytest.fixture
def emulator(request):
    running = Emulator(Path(request.config.getoption("--build-dir")))
    yield running
    running.end()


def test_the_transcript_holds(emulator):
    steps = transcript()
    assert len(steps) > 10
    emulator.read()
    for command, expected in steps:
        assert emulator.run(command) == expected, command
