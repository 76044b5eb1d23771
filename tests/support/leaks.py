"""What a server holds of the machine: processes, descriptors, directories, memory."""

import time
from dataclasses import dataclass

from tests.support.server import Server, run_directories


@dataclass(frozen=True)
class Footprint:
    """A server's holdings at one moment. ``processes`` counts its children, Chromium's included."""

    processes: int
    descriptors: int
    directories: int
    rss_bytes: int

    @classmethod
    def of(cls, server: Server) -> "Footprint":
        """What it holds now."""
        return cls(
            processes=len(server.process.children(recursive=True)),
            descriptors=server.process.num_fds(),
            directories=sum(len(list(run.iterdir())) for run in run_directories(server.data_dir) if run.exists()),
            rss_bytes=server.process.memory_info().rss,
        )

    def __str__(self) -> str:
        return (
            f"{self.processes:4d} processes  {self.descriptors:4d} descriptors  "
            f"{self.directories:4d} directories  {self.rss_bytes / 2**20:7.1f} MiB"
        )


def settle(server: Server, timeout_seconds: float = 30.0) -> Footprint:
    """What it holds once nothing changes any more: the pool is full and the cleaning behind answers is done."""
    deadline, same, last = time.monotonic() + timeout_seconds, 0, Footprint.of(server)
    while time.monotonic() < deadline:
        time.sleep(0.5)
        now = Footprint.of(server)
        alike = (now.processes, now.descriptors, now.directories) == (
            last.processes,
            last.descriptors,
            last.directories,
        )
        same = same + 1 if alike else 0
        last = now
        if same >= 4:
            return now
    return last
