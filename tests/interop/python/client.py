# grpcio as client of our server: client.py PORT CERTIFICATES.
# Prints "ok NAME" or "failed NAME: WHY" for each check.
import os
import sys
import threading
import traceback

import grpc

port, certificates = sys.argv[1:3]


def file(name):
    with open(os.path.join(certificates, name), "rb") as opened:
        return opened.read()


OPTIONS = [
    ("grpc.max_receive_message_length", 64 * 1024 * 1024),
    ("grpc.max_send_message_length", 64 * 1024 * 1024),
]


def connect(key="root-client", **more):
    credentials = grpc.ssl_channel_credentials(
        file("ca.pem"), file(key + "-key.pem"), file(key + ".pem")
    )
    return grpc.secure_channel(
        "localhost:" + port, credentials, options=OPTIONS, **more
    )


channel = connect()


def unary(name, using=None):
    return (using or channel).unary_unary("/test.v1.Echo/" + name)


def error_of(run):
    try:
        run()
    except grpc.RpcError as error:
        return error
    raise AssertionError("the call ended with OK")


def check_unary_call():
    assert unary("Unary")(b"hello") == b"hello"


def check_subject_of_the_certificate():
    assert unary("Subject")(b"") == b"root"
    with connect("nobody-client") as other:
        assert unary("Subject", other)(b"") == b"nobody"


def check_metadata_in_bytes():
    value = bytes([0, 255, 10, 13])
    _, call = unary("Subject").with_call(b"", metadata=(("name-bin", value),))
    assert dict(call.trailing_metadata())["name-bin"] == value


def check_error_with_message_and_details():
    error = error_of(lambda: unary("Fail")("11 off 100% ä".encode()))
    assert error.code() == grpc.StatusCode.OUT_OF_RANGE
    assert error.details() == "off 100% ä", error.details()
    details = dict(error.trailing_metadata())["grpc-status-details-bin"]
    assert details == bytes([8, 11]), details


def check_status_404_of_the_reference():
    error = error_of(lambda: unary("Fail")(b"404 offset out of range: 7"))
    # grpcio knows no such code and drops the message with it.
    assert error.code() == grpc.StatusCode.UNKNOWN


def check_unknown_method():
    error = error_of(lambda: unary("None")(b""))
    assert error.code() == grpc.StatusCode.UNIMPLEMENTED


def check_deadline():
    error = error_of(lambda: unary("Never")(b"", timeout=0.05))
    assert error.code() == grpc.StatusCode.DEADLINE_EXCEEDED


def check_cancel():
    call = unary("Never").future(b"")
    call.cancel()
    assert call.cancelled()


def check_server_stream():
    call = channel.unary_stream("/test.v1.Echo/ServerStream")(b"10000 1000")
    numbers = [int.from_bytes(message[:4], "big") for message in call]
    assert numbers == list(range(10000))


def check_client_stream():
    call = channel.stream_unary("/test.v1.Echo/ClientStream")
    assert call(bytes(1000) for _ in range(1000)) == b"1000000"


def check_bidi_stream():
    sent = [str(number).encode() for number in range(1000)]
    call = channel.stream_stream("/test.v1.Echo/Bidi")
    assert list(call(iter(sent))) == sent


def check_1000_calls_at_once():
    calls = [unary("Slow").future(str(n).encode()) for n in range(1000)]
    assert [int(call.result()) for call in calls] == list(range(1000))


def check_message_of_16_mib():
    message = b"abcdefgh" * (2 * 1024 * 1024)
    assert unary("Unary")(message) == message


def check_gzip_both_ways():
    message = b"abc" * 300000
    with connect(compression=grpc.Compression.Gzip) as using:
        assert unary("Unary", using)(message) == message


def check_message_over_the_limit():
    with grpc.secure_channel(
        "localhost:" + port,
        grpc.ssl_channel_credentials(
            file("ca.pem"), file("root-client-key.pem"), file("root-client.pem")
        ),
        options=[("grpc.max_send_message_length", -1)],
    ) as using:
        message = bytes(64 * 1024 * 1024 + 1)
        error = error_of(lambda: unary("Unary", using)(message))
    assert error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED, error
    assert "67108865 bytes" in error.details(), error


def check_health_check_and_watch():
    check = channel.unary_unary("/grpc.health.v1.Health/Check")
    assert check(b"") == bytes([8, 1])
    error = error_of(lambda: check(bytes([10, 1]) + b"x"))
    assert error.code() == grpc.StatusCode.NOT_FOUND
    watch = channel.unary_stream("/grpc.health.v1.Health/Watch")(b"")
    assert next(watch) == bytes([8, 1])
    unary("Flip")(b"")
    assert next(watch) == bytes([8, 2])
    unary("Flip")(b"")
    assert next(watch) == bytes([8, 1])
    watch.cancel()


def check_many_threads():
    failures = []

    def work():
        try:
            for _ in range(50):
                assert unary("Unary")(b"x") == b"x"
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures


for name, check in list(globals().items()):
    if not name.startswith("check_"):
        continue
    words = name[len("check_"):].replace("_", " ")
    try:
        check()
        print("ok " + words, flush=True)
    except BaseException:
        why = traceback.format_exc().replace("\n", " | ")
        print("failed " + words + ": " + why, flush=True)
channel.close()
