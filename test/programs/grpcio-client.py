"""grpcio-client.py ADDRESS RUN-ID: makes calls of both protocols with messages made by hand, and prints what came as JSON.

It is gRPC's C core, and knows nothing of the protocols but their bytes.
"""

import json
import sys

import grpc

SERVICE = "/dutctl.v1.DeviceService/"
LAB = "/dutlab.v1.LabService/"
RUNS = "/dutlab.v1.RunService/"


def field(number, content):
    """A length-delimited field of at most 127 bytes."""
    return bytes([number << 3 | 2, len(content)]) + content


def outcome(call):
    answers = []
    try:
        for answer in call():
            answers.append(answer.hex())
        return {"code": "OK", "answers": answers}
    except grpc.RpcError as error:
        return {"code": error.code().name, "message": error.details(), "answers": answers}


with grpc.insecure_channel(sys.argv[1]) as channel:
    unary = lambda method, request: outcome(lambda: [channel.unary_unary(method)(request, timeout=20)])
    stream = lambda method, *requests: outcome(lambda: channel.stream_stream(method)(iter(requests), timeout=20))
    run = lambda *requests: stream(SERVICE + "Run", *requests)
    command = lambda name, *args: field(
        1, field(1, b"board") + field(2, name) + b"".join(field(3, argument) for argument in args)
    )
    print(
        json.dumps(
            [
                unary(SERVICE + "List", b""),
                unary(SERVICE + "Commands", field(1, b"none")),
                run(command(b"sh", b"echo out; sleep 0.1; exit 3")),
                run(command(b"repeat"), field(2, field(1, b"hello\ntwo words\n"))),
                unary(LAB + "Describe", field(1, b"board")),
                stream(
                    RUNS + "Run",
                    field(1, b"board")
                    + field(2, field(1, sys.argv[2].encode()) + field(2, b"sh") + field(3, b"echo out; exit 3")),
                ),
            ]
        )
    )
