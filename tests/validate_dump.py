#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Checks dumps against include/memprof/dump.schema.json and against what a schema cannot say.

    tests/validate_dump.py DUMP..       (.json, or .json.zst where zstd is installed)

Prints one line for each violation, `DUMP: where: what`, and exits with 1 if there was one, with 2
if a file could not be read. Every check here is a promise of the format, not of one program: what a
certain program must have allocated is for its own test to say.
"""
import bisect
import json
import math
import pathlib
import subprocess
import sys

import jsonschema

SCHEMA = pathlib.Path(__file__).parent.parent / "include" / "memprof" / "dump.schema.json"
LIMIT = 2**63 - 1  # where counters saturate: no arithmetic holds there
MEASURED = 16  # blocks of a site whose lifetimes are all measured; of more, some are
SHOWN = 20  # violations of one kind that are spelled out

# The counters that sites and totals share.
SHARED = (
    "alloc_count", "alloc_bytes", "free_count", "freed_bytes", "realloc_count", "failed_count",
    "temporary_count", "live_count", "live_bytes", "peak_count", "peak_bytes",
)


def check_schema(dump, schema):
    errors = jsonschema.Draft202012Validator(schema).iter_errors(dump)
    for error in errors:
        where = ".".join(str(part) for part in error.absolute_path) or "dump"
        message = error.message if len(error.message) < 200 else error.message[:200] + ".."
        yield f"{where}: {message}"


def check_balance(counters, where):
    """What holds in the totals and in every site alike."""
    def get(name):
        return counters.get(name, 0)

    for live, gained, lost in (("live_count", "alloc_count", "free_count"),
                               ("live_bytes", "alloc_bytes", "freed_bytes")):
        if LIMIT not in (get(gained), get(lost)) and get(live) != get(gained) - get(lost):
            yield (f"{where}.{live}: {get(live)} is not {gained} - {lost} = "
                   f"{get(gained)} - {get(lost)}")
    if get("temporary_count") > get("free_count"):
        yield f"{where}.temporary_count: {get('temporary_count')} exceeds free_count"
    if get("realloc_count") > get("alloc_count"):
        yield f"{where}.realloc_count: {get('realloc_count')} exceeds alloc_count"
    for small, big in (("live_count", "alloc_count"), ("peak_count", "alloc_count"),
                       ("live_bytes", "alloc_bytes"), ("peak_bytes", "alloc_bytes")):
        if get(small) > get(big):
            yield f"{where}.{small}: {get(small)} exceeds {big} {get(big)}"


# Of each figure with a standard error: the figure that its error is at most like.
ERRORS = {"alloc_count_se": "alloc_count", "alloc_bytes_se": "alloc_bytes",
          "live_count_se": "live_count", "live_bytes_se": "live_bytes",
          "peak_bytes_se": "peak_bytes"}


def check_errors(dump):
    """Standard errors are there only where blocks were sampled; the totals' are the roots of the
    sums of the sites' squares; none exceeds its figure: W (W - 1) x^2 < (W x)^2, and a sum of squares
    is below the square of the sum."""
    for where, counters in [("totals", dump["totals"]),
                            *((f"sites.{i}", site) for i, site in enumerate(dump["sites"]))]:
        for name, of in ERRORS.items():
            error = counters.get(name, 0)
            if error and dump["mode"]["kind"] == "exact":
                yield f"{where}.{name}: {error}, but the mode is exact"
            if error > counters.get(of, 0):
                yield f"{where}.{name}: {error} exceeds {of} {counters.get(of, 0)}"
    for name in ERRORS:
        total = dump["totals"].get(name, 0)
        errors = [site.get(name, 0) for site in dump["sites"]]
        # Each was rounded to the nearest whole number.
        low = max(math.isqrt(sum(max(2 * e - 1, 0)**2 for e in errors) // 4) - 1, 0)
        high = math.isqrt(sum((2 * e + 1)**2 for e in errors) // 4) + 2
        if LIMIT not in (total, *errors) and not low <= total <= high:
            yield f"totals.{name}: {total}, but the sites' make {low} to {high}"


def check_changes(dump):
    before = 0
    for index, (elapsed, _) in enumerate(dump["mode"].get("changes", [])):
        if not before <= elapsed <= dump["dump"]["elapsed_ns"]:
            yield f"mode.changes.{index}: {elapsed} is before the last change or after the dump"
        before = elapsed


def check_totals(dump):
    totals = dump["totals"]
    error = totals["peak_error_bytes"]
    yield from check_balance(totals, "totals")
    if totals["live_bytes"] > totals["peak_bytes"] + error:
        yield f"totals.live_bytes: {totals['live_bytes']} exceeds peak_bytes {totals['peak_bytes']}"
    if totals["peak_elapsed_ns"] > dump["dump"]["elapsed_ns"]:
        yield "totals.peak_elapsed_ns: is after the dump"
    for name in SHARED:
        total = sum(site.get(name, 0) for site in dump["sites"])
        if totals[name] < LIMIT and total != totals[name]:
            yield f"totals.{name}: {totals[name]}, but the sites add up to {total}"


def check_histogram(site, where, name, counter):
    """The buckets add up to COUNTER and, for sizes, can hold alloc_bytes."""
    buckets = site.get(name, [])
    if buckets and buckets[-1] == 0:
        yield f"{where}.{name}: has trailing zeros"
    if site.get(counter, 0) == LIMIT:
        return
    if LIMIT in buckets:
        yield f"{where}.{name}: a bucket holds {LIMIT}, but {counter} is {site.get(counter, 0)}"
        return
    if name == "lifetime_log2_ns" and not buckets and site["alloc_count"] > MEASURED:
        return  # of so many blocks not all lifetimes are measured, maybe of none that was freed
    if sum(buckets) != site.get(counter, 0):
        yield f"{where}.{name}: adds up to {sum(buckets)}, but {counter} is {site.get(counter, 0)}"
    elif name == "size_log2" and len(buckets) < 64 and site["alloc_bytes"] < LIMIT:
        low = sum(n << (k - 1) for k, n in enumerate(buckets) if k)
        high = sum(n * ((1 << k) - 1) for k, n in enumerate(buckets))
        if not low <= site["alloc_bytes"] <= high:
            yield (f"{where}.{name}: allows {low} to {high} bytes, "
                   f"but alloc_bytes is {site['alloc_bytes']}")


def check_sites(dump):
    totals, nframes = dump["totals"], len(dump["frames"])
    seen = {}
    for index, site in enumerate(dump["sites"]):
        where = f"sites.{index}"
        yield from check_balance(site, where)
        yield from check_histogram(site, where, "size_log2", "alloc_count")
        yield from check_histogram(site, where, "lifetime_log2_ns", "free_count")
        if site["frame"] >= nframes:
            yield f"{where}.frame: {site['frame']} is not below the number of frames, {nframes}"
        first = seen.setdefault((site["frame"], site["function"]), index)
        if first != index:
            yield f"{where}: has the frame and function of sites.{first}"
        own = site.get("max_live_bytes", 0)
        if own < max(site["peak_bytes"], site["live_bytes"]):
            yield f"{where}.max_live_bytes: {own} is below peak_bytes or live_bytes"
        if own > totals["peak_bytes"] + totals["peak_error_bytes"]:
            yield f"{where}.max_live_bytes: {own} exceeds the peak of the whole program"


def check_frames(dump):
    frames, nmodules = dump["frames"], len(dump["modules"])
    if frames[0] != [-1, -1, 0]:
        yield f"frames.0: {frames[0]} is not the root [-1, -1, 0]"
    interrupted = set(dump.get("signal_frames", []))
    # Two threads may have met the same frame at once: one is what stacks go by, the other nobody's.
    used = {frame[0] for frame in frames}
    used.update(site["frame"] for kind in ("sites", "mmap_sites") for site in dump.get(kind, []))
    seen = {}
    for index, frame in enumerate(frames[1:], 1):
        parent, module, offset = frame
        where = f"frames.{index}"
        if not 0 <= parent < index:
            yield f"{where}: parent {parent} is not in 0..{index - 1}"
        if not -2 <= module < nmodules:
            yield f"{where}: module {module} is not in -2..{nmodules - 1}"
        elif module >= 0:
            entry = dump["modules"][module]
            size = entry["end"] - entry["start"]
            # A return address may lie just behind the last instruction.
            if not 0 <= offset - entry["file_offset"] <= size:
                yield f"{where}: offset {offset:#x} is outside of modules.{module}"
        elif module == -2 and not 0 <= offset < len(dump["interpreted"]):
            yield f"{where}: interpreted {offset} is not in 0..{len(dump['interpreted']) - 1}"
        first = seen.setdefault((*frame, index in interrupted), index) if index in used else index
        if first != index:
            yield f"{where}: is the same as frames.{first}"
    for index, frame in enumerate(dump.get("signal_frames", [])):
        if not 0 < frame < len(frames):
            yield f"signal_frames.{index}: {frame} is not in 1..{len(frames) - 1}"


def check_modules(dump):
    """Mappings that exist at the same time do not overlap: a sweep over time."""
    events = []
    for index, module in enumerate(dump["modules"]):
        where = f"modules.{index}"
        end = module["unloaded_ns"]
        if module["start"] >= module["end"]:
            yield f"{where}: is empty: start {module['start']:#x}, end {module['end']:#x}"
            continue
        if end is not None and end < module["loaded_ns"]:
            yield f"{where}.unloaded_ns: is before loaded_ns"
            continue
        if module.get("loads", 1) > 1:
            continue  # there from time to time
        events.append((module["loaded_ns"], 1, index))
        if end is not None:
            events.append((end, 2 if end == module["loaded_ns"] else 0, index))
    active = []  # (start, end, index) of what is mapped, sorted
    for _, kind, index in sorted(events):
        entry = (dump["modules"][index]["start"], dump["modules"][index]["end"], index)
        at = bisect.bisect(active, entry)
        if kind != 1:
            active.remove(entry)
            continue
        for other in active[max(at - 1, 0):at + 1]:
            if other[0] < entry[1] and entry[0] < other[1]:
                yield f"modules.{index}: overlaps modules.{other[2]} while both are loaded"
        active.insert(at, entry)


def check_timeline(dump):
    columns, rows = dump["timeline"]["columns"], dump["timeline"]["rows"]
    if columns[:1] != ["elapsed_ns"]:
        yield "timeline.columns: does not begin with elapsed_ns"
        return
    for name in ("live_bytes", "live_count", "rss_bytes"):
        if name not in columns:
            yield f"timeline.columns: lacks {name}"
    live = columns.index("live_bytes") if "live_bytes" in columns else None
    limit = dump["totals"]["peak_bytes"] + dump["totals"]["peak_error_bytes"]
    before = 0
    for index, row in enumerate(rows):
        where = f"timeline.rows.{index}"
        if len(row) != len(columns):
            yield f"{where}: has {len(row)} values for {len(columns)} columns"
            continue
        if row[0] < before:
            yield f"{where}: elapsed_ns {row[0]} is before that of the row above, {before}"
        before = row[0]
        if live is not None and row[live] > limit:
            yield f"{where}: live_bytes {row[live]} exceeds the peak"
    if before > dump["dump"]["elapsed_ns"]:
        yield "timeline.rows: end after the dump"


def check_memory(dump):
    """The profiler's memory is the sum of its parts, or what is mapped if these are not known; the
    resident set that of what it consists of."""
    memory = dump["memory"]
    if "resident" in memory:
        resident, at = memory["resident"], memory.get("resident_at")
        whole, where = (at, "memory.resident_at") if at else (memory, "memory")
        if sum(resident.values()) != whole["rss_bytes"]:
            yield (f"{where}.rss_bytes: {whole['rss_bytes']}, but memory.resident adds up to "
                   f"{sum(resident.values())}")
        if at and at["elapsed_ns"] > dump["dump"]["elapsed_ns"]:
            yield "memory.resident_at.elapsed_ns: is after the dump"
        if not at and resident["profiler_bytes"] != memory["profiler_bytes"]:
            yield "memory.resident.profiler_bytes: is not memory.profiler_bytes"
    own, mapped = memory["profiler_bytes"], memory.get("profiler_mapped_bytes")
    if "profiler" in memory:
        total = sum(memory["profiler"].values())
        if own < LIMIT and total != own:
            yield f"memory.profiler_bytes: {own}, but the parts add up to {total}"
    elif mapped is not None and own != mapped:
        yield f"memory.profiler_bytes: {own} is not what is mapped, {mapped}, and has no parts"


def check_mappings(dump):
    """Mappings have totals and sites of their own, which hold together as those of blocks do."""
    names = ("mmap_totals", "mmap_sites", "mmap_inherited")
    if not any(name in dump for name in names):
        return
    for name in names:
        if name not in dump:
            yield f"{name}: is missing beside the other two of mappings"
            return
    mapped = {**dump, "totals": dump["mmap_totals"], "sites": dump["mmap_sites"],
              "mode": {"kind": "exact"}}
    if mapped["totals"]["peak_error_bytes"]:
        yield "mmap_totals.peak_error_bytes: is not 0"
    for check in (check_totals, check_errors, check_sites):
        for line in check(mapped):
            yield f"mmap_{line}"


CHECKS = (check_totals, check_errors, check_changes, check_sites, check_frames, check_modules,
          check_timeline, check_memory, check_mappings)


def violations(dump, schema):
    """All that is wrong with DUMP, as lines; the further checks need a dump that fits the schema."""
    found = list(check_schema(dump, schema))
    if found:
        return found[:SHOWN]
    for check in CHECKS:
        lines = list(check(dump))
        found += lines[:SHOWN]
        if len(lines) > SHOWN:
            found.append(f"{check.__name__}: {len(lines) - SHOWN} more")
    return found


def no_duplicates(pairs):
    members = dict(pairs)
    if len(members) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"member {twice!r} occurs twice in one object")
    return members


def no_constant(name):
    raise ValueError(f"{name} is not JSON")


def read(path):
    if path.endswith(".zst"):
        data = subprocess.run(["zstd", "-dcq", path], check=True, stdout=subprocess.PIPE).stdout
    else:
        data = pathlib.Path(path).read_bytes()
    return json.loads(data.decode("utf-8"), object_pairs_hook=no_duplicates,
                      parse_constant=no_constant)


def main(paths):
    if not paths:
        print("usage: validate_dump.py DUMP..", file=sys.stderr)
        return 2
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    status = 0
    for path in paths:
        try:
            dump = read(path)
        except OSError as error:
            print(f"validate_dump.py: '{path}': {error.strerror}", file=sys.stderr)
            return 2
        except (ValueError, subprocess.CalledProcessError) as error:
            print(f"{path}: {error}")
            status = 1
            continue
        for line in violations(dump, schema):
            print(f"{path}: {line}")
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
