# SPDX-License-Identifier: MIT
"""Replays what libshim.so logged: what a profiler must say about the same calls, computed the slow
and obvious way. The rules are those of the contract of the dump: a realloc is a free, then an
allocation; a free of the block that the same thread allocated last is temporary; the peak is the
first instant at which live bytes were highest."""
import collections
import os
import struct

RECORD = struct.Struct("<6QIHHII")  # struct shim_record of tests/samples/shim.h
Record = collections.namedtuple(
    "Record", "begin end caller old new size tid op function context alignment")
ALLOC, FREE, REALLOC = 1, 2, 3
FUNCTIONS = ("malloc", "calloc", "realloc", "reallocarray", "posix_memalign", "aligned_alloc",
             "memalign")
COUNTERS = ("alloc_count", "alloc_bytes", "free_count", "freed_bytes", "failed_count",
            "temporary_count", "live_count", "live_bytes", "peak_count", "peak_bytes")


class Counters(collections.Counter):
    """Of one site or in total: COUNTERS, `max_live_bytes` and the histogram `size_log2`."""

    def __init__(self):
        super().__init__()
        self.sizes = collections.Counter()

    def allocate(self, size):
        self["alloc_count"] += 1
        self["alloc_bytes"] += size
        self["live_count"] += 1
        self["live_bytes"] += size
        self["max_live_bytes"] = max(self["max_live_bytes"], self["live_bytes"])
        self.sizes[min(size.bit_length(), 63)] += 1

    def free(self, size):
        self["free_count"] += 1
        self["freed_bytes"] += size
        self["live_count"] -= 1
        self["live_bytes"] -= size

    def key(self):
        """All of it as one value that can be compared and sorted."""
        return (tuple(self[name] for name in (*COUNTERS, "max_live_bytes")),
                tuple(self.sizes[k] for k in range(64)))


def read_log(path):
    """The records in the order in which the calls began."""
    with open(path, "rb") as file:
        data = file.read()
    records = []
    for at in range(0, len(data), RECORD.size):
        record = Record._make(RECORD.unpack_from(data, at))
        if not record.begin:
            break
        records.append(record)
    return sorted(records)


def read_maps(path):
    """A function from an address to (base name of the file, offset in it)."""
    maps = []
    with open(path, encoding="utf-8") as file:
        for line in file:
            words = line.split(maxsplit=5)
            start, end = (int(word, 16) for word in words[0].split("-"))
            if len(words) == 6:
                maps.append((start, end, int(words[2], 16), os.path.basename(words[5].strip())))

    def place(address):
        for start, end, offset, name in maps:
            if start <= address < end:
                return name, address - start + offset
        return "", address

    return place


class Replay:
    """The calls of RECORDS in turn: `totals`, `threads` by tid and `sites` by what SITE_OF(record)
    says."""

    def __init__(self, records, site_of):
        self.totals = Counters()
        self.sites = collections.defaultdict(Counters)
        self.threads = collections.defaultdict(Counters)
        self.blocks = {}  # address -> (serial number, site, size)
        self.last = {}  # tid -> serial number of the block it allocated last
        self.serial = 0
        self.peak = 0
        self.unknown = 0
        for _, is_end, record in events(records):
            if is_end and record.op != FREE:
                self.end(record, site_of(record))
            elif not is_end and record.old and not is_failed(record):
                self.free(record)
        self.note_peak()

    def end(self, record, site):
        if record.new:
            self.allocate(record, site)
            if record.old:
                self.totals["realloc_count"] += 1
        elif is_failed(record):
            self.sites[site]["failed_count"] += 1
            self.totals["failed_count"] += 1

    def allocate(self, record, site):
        self.serial += 1
        self.blocks[record.new] = (self.serial, site, record.size)
        self.last[record.tid] = self.serial
        for counters in (self.sites[site], self.totals, self.threads[record.tid]):
            counters.allocate(record.size)

    def free(self, record):
        self.note_peak()
        if record.old not in self.blocks:
            self.unknown += 1
            return
        serial, site, size = self.blocks.pop(record.old)
        for counters in (self.sites[site], self.totals):
            counters.free(size)
            if self.last.get(record.tid) == serial:
                counters["temporary_count"] += 1
        self.threads[record.tid]["free_count"] += 1

    def note_peak(self):
        """Before live bytes fall, and at the end: is this the highest so far?"""
        if self.totals["live_bytes"] <= self.peak:
            return
        self.peak = self.totals["live_bytes"]
        for counters in (self.totals, *self.sites.values()):
            counters["peak_bytes"] = counters["live_bytes"]
            counters["peak_count"] = counters["live_count"]


def is_failed(record):
    """Whether no block came of it although one was asked for."""
    emptied = record.op == REALLOC and record.old and not record.size
    return record.op != FREE and not record.new and not emptied


def events(records):
    """(number, is_end, record) for the begin and the end of each call, in order. A block is given
    up from the begin of a call on and had from its end on: between, another thread may be given the
    same address."""
    marks = [(record.begin, False, record) for record in records]
    marks += [(record.end, True, record) for record in records]
    return sorted(marks, key=lambda mark: mark[0])


def peak_bounds(records):
    """Between which values the peak must lie, whenever within each call its effect came: the least
    has blocks come late and go early, the most has them come early and go late."""
    sizes = {}
    least, most = [], []
    for when, is_end, record in events(records):
        if is_end and record.new:
            sizes[record.new] = record.size
            least.append((when, record.size))
            most.append((record.begin, record.size))
        elif not is_end and record.old and not is_failed(record):
            size = sizes.pop(record.old)
            least.append((when, -size))
            most.append((record.end, -size))
    return highest(least), highest(most)


def highest(changes):
    live = best = 0
    for _, change in sorted(changes):
        live += change
        best = max(best, live)
    return best
