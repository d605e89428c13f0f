"""The child side of `pipelines.guard`: run as `python -m pipelines.guard_child`, never imported by anything else.

Imports stay few, because a child is started again after every death. It speaks length-prefixed bytes over one socket and
never unpickles. Everything that could be abused is given up before the target (and so any native parser) is imported.
"""

from __future__ import annotations

import gc
import importlib
import os
import resource
import signal
import socket
import struct
import sys
from collections.abc import Callable

OK, EXCEPTION, MEMORY, TOO_LONG = 0, 1, 2, 3
READY = b"R"
COUNT = struct.Struct("<I")
BATCH = struct.Struct("<II")  # items, and pieces of all of them
REPLY = struct.Struct("<BI")
CLONE_NEWNET, CLONE_NEWUSER = 0x40000000, 0x10000000
GC_EVERY = 20_000  # new containers: an item leaves few cycles behind, and most of what is alive at a moment is its own
NO_PRIVILEGES = 38  # prctl option PR_SET_NO_NEW_PRIVS


def give_up(memory_bytes: int, open_files: int, file_bytes: int) -> None:
    """Lower the limits that the kernel keeps, for good; leave the network where the kernel lets an ordinary user do so."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_NOFILE, (open_files, open_files))
    resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, file_bytes))
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(NO_PRIVILEGES, 1, 0, 0, 0)
    libc.unshare(CLONE_NEWUSER | CLONE_NEWNET)  # best effort: refused by some kernels and containers


def read_exactly(sock: socket.socket, n: int) -> memoryview:
    buffer = bytearray(n)
    view, at = memoryview(buffer), 0
    while at < n:
        got = sock.recv_into(view[at:])
        if not got:
            os._exit(0)  # the parent has gone
        at += got
    return view


def receive(sock: socket.socket, n: int) -> bytes:
    """The same as bytes, straight from the kernel: an item may be large, and is neither zeroed before nor copied after."""
    data = sock.recv(n, socket.MSG_WAITALL)
    return data if len(data) == n else data + read_exactly(sock, n - len(data))


def describe(error: BaseException) -> bytes:
    """Class, short hash of where it was raised, message: enough to group equal failures."""
    import hashlib

    where, tb = [], error.__traceback__
    while tb is not None:
        where.append(f"{os.path.basename(tb.tb_frame.f_code.co_filename)}:{tb.tb_frame.f_code.co_name}")
        tb = tb.tb_next
    trace = hashlib.blake2b("|".join([type(error).__name__, *where[1:]]).encode(), digest_size=6).hexdigest()
    return f"{type(error).__name__}\x1f{trace}\x1f{str(error)[:500]}".encode("utf-8", "replace")


def load(target: str, setup: bytes | None) -> Callable[..., bytes]:
    module, _, name = target.partition(":")
    function = getattr(importlib.import_module(module), name)
    return function if setup is None else function(setup)


def serve(sock: socket.socket, function: Callable[..., bytes], cpu: float, wall: float, reply_bytes: int) -> None:
    """Answer batches until the parent closes the socket. Timers are the kernel's, with their default action (death), so
    they also stop native code that holds the interpreter lock, and an orphan."""
    while True:
        count, pieces = BATCH.unpack(read_exactly(sock, BATCH.size))
        lengths = struct.unpack(f"<{pieces}I", read_exactly(sock, 4 * pieces))
        received = [receive(sock, n) for n in lengths]  # all of them, so that the parent goes on to the next batch
        each = pieces // count
        for at in range(0, pieces, each):
            signal.setitimer(signal.ITIMER_PROF, cpu)
            signal.setitimer(signal.ITIMER_REAL, wall)
            try:
                status, reply = OK, function(*received[at : at + each])
                if len(reply) > reply_bytes:
                    status, reply = TOO_LONG, f"the result has {len(reply)} bytes, the limit is {reply_bytes}".encode()
            except MemoryError as e:
                status, reply = MEMORY, describe(e)
            except BaseException as e:  # native extensions raise panics that are no Exception
                status, reply = EXCEPTION, describe(e)
            signal.setitimer(signal.ITIMER_PROF, 0)
            signal.setitimer(signal.ITIMER_REAL, 0)
            head = REPLY.pack(status, len(reply))
            if len(reply) < 65536:
                sock.sendall(head + reply)
            else:
                sock.sendall(head)
                sock.sendall(reply)


def main(argv: list[str]) -> None:
    fd, target, memory, files, file_bytes, cpu, wall, reply_bytes, has_setup = argv
    give_up(int(memory), int(files), int(file_bytes))
    import faulthandler

    faulthandler.enable(sys.stderr, all_threads=False)
    sock = socket.socket(fileno=int(fd))
    setup = bytes(read_exactly(sock, COUNT.unpack(read_exactly(sock, COUNT.size))[0])) if has_setup == "1" else None
    try:
        function = load(target, setup)
    except BaseException as e:  # told to the parent, whatever it is
        message = describe(e)
        sock.sendall(b"E" + COUNT.pack(len(message)) + message)
        return
    gc.collect()
    gc.freeze()  # what was loaded stays: collections look at what items make and at nothing else
    gc.set_threshold(GC_EVERY)
    sock.sendall(READY)
    serve(sock, function, float(cpu), float(wall), int(reply_bytes))


if __name__ == "__main__":
    main(sys.argv[1:])
