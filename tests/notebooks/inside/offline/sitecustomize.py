"""Keep this process, and every Python that it starts, on the machine.

Python imports this module by itself at the start, since its folder is in PYTHONPATH.
Whoever asks for another host is refused, and written down in the file that the
variable REFUSED_REQUESTS names: a notebook that catches the error is found out too.
"""

import os
import sys

_HOSTS = {"localhost", "127.0.0.1", "::1", "0.0.0.0", "::", "", None}
_ADDRESSES = {"socket.connect", "socket.sendto", "socket.sendmsg"}
_NAMES = {"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"}


def _refuse_other_hosts(event, arguments):
    if event in _ADDRESSES:
        address = arguments[1]
        host = address[0] if isinstance(address, tuple) else None
    elif event in _NAMES:
        host = arguments[0]
    else:
        return
    if isinstance(host, bytes):
        host = host.decode()
    if host in _HOSTS:
        return
    with open(os.environ["REFUSED_REQUESTS"], "a", encoding="utf-8") as log:
        log.write(f"{event.removeprefix('socket.')}: {host}\n")
    raise OSError(f"notebooks run offline: {host} was refused")


sys.addaudithook(_refuse_other_hosts)
