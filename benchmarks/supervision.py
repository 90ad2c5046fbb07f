"""What looking after runs costs: history, a sleeping supervisor, following, notices under many readers."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

from benchmarks.report import Line, Table, base_line, counted, in_multiples
from benchmarks.stores import Store
from benchmarks.timing import BASE, Place, Sample, call, fixed, interleaved
from gittasks.runtime.record import Run, RunId, format_run

_RUNS_LIMIT = 7.0
_RESIDENT_LIMIT_KIB = 12 * 1024
_IDLE_S = 3.0
_FOLLOW_LIMIT_MS = 50.0
_READERS = 16

# Writes the time of day, a line each, so that whoever reads a line knows how old it is.
_CLOCK = (
    "import sys, time\n"
    "for _ in range(int(sys.argv[1])):\n"
    "    time.sleep(0.05)\n"
    "    print(repr(time.time()), flush=True)\n"
)


def history(store: Store, program: str, *, count: int, rounds: int) -> Table:
    """What commands cost where `count` runs have ended."""
    _make_history(store.place, program, count)
    commands = {
        "runs": fixed(program, "runs"),
        "runs --task 1": fixed(program, "runs", "--task", "1"),
        "notices": fixed(program, "notices"),
        "run -- true": fixed(program, "run", "--", "true"),
    }
    samples = interleaved(commands, store.place, rounds=rounds)
    limits = {"runs": _RUNS_LIMIT}
    lines = [in_multiples(name, samples[name], samples[BASE], limit=limits.get(name)) for name in commands]
    return Table(f"{count:,} finished runs", (base_line(samples[BASE]), *lines))


def _make_history(place: Place, program: str, count: int) -> None:
    """As `count` runs leave it: the index, and the private record of each."""
    call((program, "run", "--wait", "--", "true"), place)
    ended = place.folder / ".git" / "gittasks" / "runs" / "ended"
    template = Run(
        RunId("b0000000"),
        status="completed",
        description="pytest -q tests/workgraph",
        notified=True,
        exit_code=0,
        reason="exit",
        command=("pytest", "-q", "tests/workgraph"),
        cwd=str(place.folder),
        owner="alice",
        commit_before="0" * 40,
        commit_after="0" * 40,
        dirty=False,
        usage={"cpu_s": 1.5, "peak_memory_bytes": 50_000_000},
    )
    lines = []
    for n in range(count):
        run_id = RunId(f"b{n:07}")
        lines.append(
            format_run(
                template._replace(
                    id=run_id,
                    start_time=1.7e9 + n,
                    end_time=1.7e9 + n + 0.5,
                    output_file=f".task_outputs/{run_id}.txt",
                    work_graph_task_id=n % 50 + 1,
                )
            )
        )
        (ended / f"{run_id}.json").write_bytes(lines[-1])
    with (place.folder / ".task_outputs" / "index.jsonl").open("ab") as index:
        index.write(b"".join(lines))


def supervisor(store: Store, program: str) -> Table:
    """Memory and processor time of supervisors that have nothing to do (Linux; nothing can be told elsewhere)."""
    place = store.place
    active = call((program, "run", "--slots", "bench=1", "--", "sleep", "600"), place).strip()
    queued = call((program, "run", "--slots", "bench=1", "--", "true"), place).strip()
    rows = []
    time.sleep(0.5)  # until both sleep
    for what, run_id in (("whose command runs", active), ("whose run is queued", queued)):
        pids = _guards(run_id)
        before = [_idle_cost(pid) for pid in pids]
        time.sleep(_IDLE_S)
        after = [_idle_cost(pid) for pid in pids]
        resident = max((_resident_kib(pid) for pid in pids), default=0)
        rows.append(
            Line(
                f"supervisor {what}, resident KiB",
                f"{resident:,}",
                limit=f"{_RESIDENT_LIMIT_KIB:,}",
                passed=resident <= _RESIDENT_LIMIT_KIB,
            )
        )
        ticks = sum(new[0] - old[0] for old, new in zip(before, after, strict=True))
        wakes = sum(new[1] - old[1] for old, new in zip(before, after, strict=True))
        rows.append(counted(f"supervisor {what}, ticks of processor time in {_IDLE_S:g} s", ticks))
        rows.append(counted(f"supervisor {what}, times it woke in {_IDLE_S:g} s", wakes))
    call((program, "kill", active, queued, "--grace", "1"), place, ok=(0, 4))
    return Table("A supervisor that has nothing to do", tuple(rows))


def follow(store: Store, program: str, *, rounds: int) -> Table:
    """How old a line is when somebody who follows the run reads it; beside it, `tail -f` on what `nohup` writes."""
    count = max(rounds, 5)
    ticker = (sys.executable, "-I", "-S", "-c", _CLOCK, str(count))
    run_id = call((program, "run", "--", *ticker), store.place).strip()
    ours = _ages((program, "logs", "-f", run_id), store.place, count)
    other = store.place.folder.with_name("nohup.txt")
    call(("sh", "-c", 'out=$1; shift; nohup "$@" >"$out" 2>&1 &', "sh", str(other), *ticker), store.place)
    beside = _ages(("tail", "-n", "+1", "-f", str(other)), store.place, count)
    median = statistics.median
    passed = median(ours) <= _FOLLOW_LIMIT_MS
    return Table(
        "Following",
        (
            _age_line(
                "a line of output to `logs -f`", ours, beside, f"{_FOLLOW_LIMIT_MS:g} ms", passed=passed
            ),
            _age_line("the same by `nohup` to `tail -f`", beside, beside),
        ),
        "The ratio is that to `tail -f`.",
    )


def _age_line(
    what: str, ages: list[float], beside: list[float], limit: str = "", *, passed: bool | None = None
) -> Line:
    ratio = f"{statistics.median(ages) / statistics.median(beside):.1f}"
    return Line(
        what, f"{statistics.median(ages):.2f}", f"{min(ages):.2f}", ratio=ratio, limit=limit, passed=passed
    )


def _ages(argv: tuple[str, ...], place: Place, count: int) -> list[float]:
    """How old (ms) each of `count` lines is when `argv` has passed it on; of what it followed from the start."""
    follower = subprocess.Popen(argv, cwd=place.folder, env=place.env, stdout=subprocess.PIPE, text=True)
    assert follower.stdout is not None
    ages = []
    for _ in range(count):
        line = follower.stdout.readline()
        ages.append((time.time() - float(line)) * 1000)
    follower.terminate()
    follower.communicate()
    # What was written before it began to follow says nothing about following.
    return ages[-max(len(ages) // 2, 1) :]


def notices(store: Store, program: str, *, count: int) -> Table:
    """`count` ends told to `_READERS` programs that ask at once, again and again: each once, none lost."""
    place = store.place
    call((program, "notices"), place)
    told: list[str] = []
    times: list[float] = []
    over = threading.Event()

    def read() -> None:
        done = False
        while not done:
            done = over.is_set()
            start = time.perf_counter()
            answer = json.loads(call((program, "notices", "--json"), place, ok=(0, 4)))
            times.append(time.perf_counter() - start)
            told.extend(notice["id"] for notice in answer.get("notices", ()))

    readers = [threading.Thread(target=read) for _ in range(_READERS)]
    for reader in readers:
        reader.start()
    runs = [call((program, "run", "--", "true"), place).strip() for _ in range(count)]
    call((program, "wait", *runs), place)
    over.set()
    for reader in readers:
        reader.join()
    base = interleaved({}, place, rounds=5)[BASE]
    rows = (
        base_line(base),
        in_multiples(f"`notices --json`, one of {_READERS} at once", Sample(tuple(times)), base),
        counted("ends told twice", len(told) - len(set(told))),
        counted("ends told to nobody", len(set(runs) - set(told))),
    )
    return Table(f"{count} ends, {_READERS} readers", rows)


def _guards(run_id: str) -> list[int]:
    mark = f"GITTASKS_SUPERVISOR={run_id}\0".encode()
    return [int(entry.name) for entry in Path("/proc").glob("[0-9]*") if _environment(entry).startswith(mark)]


def _environment(process: Path) -> bytes:
    try:
        return (process / "environ").read_bytes()
    except OSError:
        return b""


def _idle_cost(pid: int) -> tuple[int, int]:
    """Ticks of processor time (proc(5)), and how often it was scheduled."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    status = Path(f"/proc/{pid}/status").read_text().splitlines()
    switches = [int(line.split()[1]) for line in status if line.startswith("voluntary_ctxt_switches")]
    return int(fields[11]) + int(fields[12]), sum(switches)


def _resident_kib(pid: int) -> int:
    return int(Path(f"/proc/{pid}/status").read_text().split("VmRSS:")[1].split()[0])
