"""What benches share: the CPU time of processes, and the load generator beside something else."""

import os
import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]


def cpu_us(pid):
    """All threads' time on a core."""
    return sum(int(task.joinpath("schedstat").read_text().split()[0])
               for task in pathlib.Path(f"/proc/{pid}/task").iterdir()) / 1000


def write_texts(stack, pids, rate, seconds):
    """So many texts a second, whatever comes back; prints their figures. The 99th percentile of their latency, in ms."""
    load = pathlib.Path(os.environ.get("PARLEY_BUILD", ROOT / "build")) / "bench/load"
    where = [f"--host={stack.host}", f"--port={stack.ports['http']}"]
    processes = [f"--process={name}={pid}" for name, pid in pids.items()]
    pace = [f"--rate={rate}", f"--seconds={seconds}"]
    said = subprocess.run([load, *where, *processes, *pace], check=True, capture_output=True, text=True).stdout
    print(said, flush=True)
    return float(re.search(r"p99 ([0-9.]+)", said)[1])
