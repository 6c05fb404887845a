"""Runs named checks one after the other and reports each on a line of its own.

The lines are what the driver counts: "ok NAME", "not ok NAME" with details in
lines that begin with "# " before it, and "1..COUNT" at the end.
"""

import asyncio
import collections
import logging
import sys
import time
import traceback

CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]


class Last(logging.Handler):
    """Keeps the last lines that clients have logged, for a check that fails."""

    def __init__(self, count):
        super().__init__()
        self.lines = collections.deque(maxlen=count)

    def emit(self, record):
        self.lines.extend(self.format(record).splitlines())


class Checks:
    def __init__(self):
        self.broker, self.prefix = sys.argv[1], sys.argv[2]
        self.brokers = int(sys.argv[3])  # how many the cluster has
        self.replicas = min(3, self.brokers)  # of topics
        self.count = 0
        self.failed = 0
        self.logged = Last(60)
        logging.basicConfig(level=logging.INFO, handlers=[self.logged],
                            format="%(asctime)s %(threadName)s %(name)s: %(message)s")

    def topic(self, name):
        """A name that this run of this program alone uses."""
        return f"{self.prefix}{self.program}-{name}"

    @property
    def program(self):
        return sys.argv[0].rsplit("/", 1)[-1].removesuffix("_client.py")

    def run(self, name, function, *args):
        self.logged.lines.clear()
        try:
            result = function(*args)
            if asyncio.iscoroutine(result):
                asyncio.run(asyncio.wait_for(result, 60))
        except Exception:  # a failed check must not hide the later ones
            self.failed += 1
            for line in [*self.logged.lines, *traceback.format_exc().splitlines()[-12:]]:
                print("#", line)
            print("not ok", name)
        else:
            print("ok", name)
        self.count += 1

    def end(self):
        print(f"1..{self.count}", flush=True)
        sys.exit(1 if self.failed else 0)


def equal(got, want):
    if got != want:
        raise AssertionError(f"got {str(got)[:500]}, want {str(want)[:500]}")


def eventually(check, seconds=30):
    """Repeats a check until it passes: a change that one broker has answered for reaches the others a moment later."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return check()
        except AssertionError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def absent(topic, listed):
    if topic in listed:
        raise AssertionError(f"{topic}, which is deleted, is listed")


def until(condition, step, seconds=30):
    """Repeats step until condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s")
        step()


def values(first, last):
    return [f"value-{n}".encode() for n in range(first, last + 1)]
