"""grpcio-keepalive.py ADDRESS SECONDS: watches the devices for so long with a ping every second, and prints how that ended.

Whoever takes this for a flood says so by a GOAWAY, and the call ends with UNAVAILABLE and "too_many_pings".
"""

import sys
import threading

import grpc

OPTIONS = [
    ("grpc.keepalive_time_ms", 1000),
    ("grpc.keepalive_timeout_ms", 1000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.http2.min_time_between_pings_ms", 1000),
]

with grpc.insecure_channel(sys.argv[1], options=OPTIONS) as channel:
    watch = channel.unary_stream("/dutlab.v1.LabService/Watch")(b"")
    threading.Timer(float(sys.argv[2]), watch.cancel).start()
    try:
        for _ in watch:
            pass
    except grpc.RpcError as error:
        # Ours is the only cancel there is.
        print("OK" if error.code() == grpc.StatusCode.CANCELLED else f"{error.code()} {error.details()}")
