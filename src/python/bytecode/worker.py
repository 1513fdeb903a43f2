"""Compiles many sources in one process.

argv: the cache tag that the caller expects, and a file with `source NUL label NUL output NUL` for
each source. Prints the number of every source that does not compile, and at the end `done COUNT`.
"""

import gc
import importlib.util
import marshal
import os
import sys
import warnings


def header(stat):
    fields = [stat.st_mtime, stat.st_size]
    if sys.version_info >= (3, 7):  # PEP 552: no flags, checked by time and size
        fields.insert(0, 0)
    words = [(int(field) & 0xFFFFFFFF).to_bytes(4, "little") for field in fields]
    return importlib.util.MAGIC_NUMBER + b"".join(words)


def bytecode(source, label):
    with open(source, "rb") as file:
        stat = os.fstat(file.fileno())
        text = file.read()
    code = compile(text, label.decode("utf-8"), "exec", dont_inherit=True)
    return header(stat) + marshal.dumps(code)


def main():
    tag, listing = sys.argv[1:]
    if sys.implementation.cache_tag != tag:
        sys.exit("its bytecode is for " + str(sys.implementation.cache_tag) + ", not for " + tag)
    with open(listing, "rb") as file:
        words = file.read().split(b"\0")
    warnings.simplefilter("ignore")
    gc.disable()
    jobs = list(zip(words[0::3], words[1::3], words[2::3]))
    for number, (source, label, output) in enumerate(jobs):
        try:
            content = bytecode(source, label)
        except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError):
            print(number)
            continue
        # The folders are there. Where they are gone, the work was given up: this ends too.
        with open(output, "wb") as file:
            file.write(content)
    print("done", len(jobs))


main()
