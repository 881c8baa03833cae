"""Requests leave by one door: what leads back into the operator's own network never gets a connection."""

from __future__ import annotations

import datetime as dt
import socket
import ssl
import sys
import threading

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from tests.workflows.building import NOW
from tests.workflows.outside.receiver import receiving
from workflows.outside import addresses, door, targets
from workflows.outside.door import Bounds, NotReached, Outgoing, send
from workflows.outside.targets import NotAllowed

PUBLIC, PUBLIC_TOO, PRIVATE = "93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "10.0.0.7"
#: What the names of these tests stand for; nobody is asked about any other.
NAMES = {
    "example.com": [PUBLIC], "both.example.com": [PUBLIC, PRIVATE], "six.example.com": [PUBLIC_TOO],
    "metadata.google.internal": ["169.254.169.254"], "localhost": ["127.0.0.1"], "localhost.": ["127.0.0.1"],
    "inside.example.com": [PRIVATE], "127.0.0.1.": ["127.0.0.1"],
}  # fmt: skip


#: Where connections to this machine were about to be made; those to any other place tests/conftest.py refuses.
connected: list[tuple[str, int]] = []
guarding = threading.local()


def guard(event, arguments):
    if event == "socket.connect" and getattr(guarding, "on", False):
        connected.append(arguments[1][:2])
        raise AssertionError(f"A connection to {arguments[1]} was about to be made.")


sys.addaudithook(guard)


def tried(host):
    """A connection to a public address was about to be made, and the guard of all tests has refused it."""
    return pytest.raises(NotReached, match=f"wanted to connect to {host}")


@pytest.fixture(autouse=True)
def guarded():
    connected.clear()
    guarding.on = True
    yield
    guarding.on = False


LONG = dt.timedelta(days=9_000)


#: Kept, for tests that have everybody look names up by a Resolver.
system = socket.getaddrinfo


class Resolver:
    """Knows NAMES and numbers only, and counts; `turns` are the answers of one name, one after the other."""

    def __init__(self, **turns):
        self.asked, self.turns = [], turns

    def __call__(self, host, port, **options):
        self.asked.append(host)
        if host in self.turns:
            found = [self.turns[host].pop(0)]
        elif host in NAMES:
            found = NAMES[host]
        else:
            # Numbers, however they are written: the system reads them without asking anybody.
            return system(host, port, flags=socket.AI_NUMERICHOST, **options)
        return [one for text in found for one in system(text, port, flags=socket.AI_NUMERICHOST, **options)]


def attempt(url, resolver=None, **options):
    return send(Outgoing("POST", url, body=b"{}"), resolve=resolver or Resolver(), **options)


INTO_THE_HOUSE = (
    "127.0.0.1", "localhost", "127.1", "0", "2130706433", "0x7f000001", "0177.0.0.1", "[::1]", "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]", "0.0.0.0", "[::]", "169.254.169.254", "[fd00:ec2::254]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]",
    "[::7f00:1]", "[fe80::1]", "[fec0::1]", "[ff02::1]", "224.0.0.1", "255.255.255.255", "240.0.0.1", "100.64.0.1",
    "10.1.2.3", "172.16.0.1", "192.168.1.1", "198.18.0.1", "192.0.2.1", "[2001:db8::1]", "[2001::1]",
    "localhost.", "127.0.0.1.", "①②⑦.⓪.⓪.①", "１２７.0.0.1", "127。0。0。1",
    "metadata.google.internal", "inside.example.com", "both.example.com",
)  # fmt: skip


@pytest.mark.parametrize("host", INTO_THE_HOUSE)
def test_no_connection_is_made_to_an_address_of_the_own_network(host):
    with pytest.raises(NotAllowed, match=r"not allowed.*WEBHOOK_ALLOWED_HOSTS"):
        attempt(f"https://{host}/hook")
    assert connected == []


UNREADABLE = (
    "", "hook", "//example.com/", "file:///etc/passwd", "gopher://example.com/", "unix:/run/docker.sock", "ftp://example.com/",
    "https://user@127.0.0.1/", "https://user:word@example.com/", "https://127.0.0.1\\@example.com/", "https://example.com\\@127.0.0.1",
    "https://exam ple.com/", "https://example.com/\r\nHost: x", "https://example.com:22/", "https://example.com:25/",
    "https://example.com:6379/", "https://example.com:5432/", "https://example.com:0/", "https://example.com:99999/", "https://",
    "https://[::1/", "https://[v1.x]/", "https://exa{{x}}mple.com/", "https://-x.example.com/", "http://example.com/",
    "https://%31%32%37.0.0.1/", "https://example.com/" + "x" * 5_000, None, 5,
)  # fmt: skip


@pytest.mark.parametrize("url", UNREADABLE)
def test_addresses_that_are_none_are_refused_before_anybody_is_asked_about_them(url):
    resolver = Resolver()
    with pytest.raises(NotAllowed) as refused:
        attempt(url, resolver)
    assert (resolver.asked, connected) == ([], [])
    assert str(refused.value).endswith(".") and len(str(refused.value)) < 500


@pytest.mark.parametrize(("host", "address"), [("example.com", PUBLIC), ("six.example.com", PUBLIC_TOO)])
def test_a_public_host_is_connected_with_by_the_address_that_was_checked(host, address, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    resolver = Resolver()
    with tried(address):
        attempt(f"https://{host}/hook", resolver)
    assert (resolver.asked, connected) == ([host], [])


def test_a_name_that_means_something_else_a_moment_later_leads_nowhere():
    """DNS rebinding: public when it is asked first, this machine when it is asked again."""
    resolver = Resolver(**{"rebind.example.com": [PUBLIC, "127.0.0.1"]})
    with tried(PUBLIC):
        attempt("https://rebind.example.com/", resolver)
    with pytest.raises(NotAllowed):
        attempt("https://rebind.example.com/", resolver)
    assert connected == [] and resolver.asked == ["rebind.example.com"] * 2


def test_every_address_of_the_closed_ranges_is_closed_and_public_ones_are_not():
    for net in addresses.CLOSED:
        assert addresses.closed(net[0]) and addresses.closed(net[-1])
    for text in ("1.1.1.1", "9.9.9.9", PUBLIC, PUBLIC_TOO, "2a00:1450:4001:80b::200e"):
        assert addresses.closed(addresses.read(text)) == ""
    assert addresses.closed(addresses.read("fe80::1%eth0"))


@pytest.fixture
def receiver(settings):
    """A receiver on this machine, which the operator has named."""
    with receiving() as found:
        guarding.on = False
        settings.WEBHOOK_ALLOWED_HOSTS = [found.place]
        yield found


def test_hosts_the_operator_names_are_reached_on_that_port_only(receiver, settings):
    answer = attempt(f"{receiver.url}/a%20b?x=1&y=é#z")
    [got] = receiver.received
    assert (answer.status, got.method, got.path, got.body) == (200, "POST", "/a%20b?x=1&y=%C3%A9", b"{}")
    assert got.headers["host"] == receiver.place and got.headers["user-agent"] == "Headrace"
    guarding.on = True
    for url in ("https://127.0.0.1/", "http://127.0.0.1:8080/"):
        with pytest.raises(NotAllowed):
            attempt(url)
    settings.WEBHOOK_ALLOWED_HOSTS = []
    with pytest.raises(NotAllowed, match="WEBHOOK_ALLOW_HTTP"):
        attempt(receiver.url)
    assert connected == []


def test_ports_and_plain_http_are_opened_by_settings(settings):
    settings.WEBHOOK_ALLOW_HTTP, settings.WEBHOOK_ALLOWED_PORTS = True, [9443]
    for url in ("http://example.com/", "https://example.com:9443/"):
        with tried(PUBLIC):
            attempt(url)
    with pytest.raises(NotAllowed):
        attempt("https://example.com:9444/")


@pytest.mark.parametrize(
    "place",
    [
        "http://[",
        "http://127.0.0.1:1/",
        "https://inside.example.com/",
        "//169.254.169.254/latest/",
        "file:///etc/passwd",
    ],
)
def test_a_redirect_into_the_house_is_not_followed(receiver, place):
    receiver.answer = lambda request, line: (302, {"Location": place}, b"")
    assert attempt(receiver.url).status == 302, "without being asked nothing is followed"
    with pytest.raises(NotAllowed):
        attempt(receiver.url, follow=5)
    assert len(receiver.received) == 2


def test_redirects_are_followed_when_asked_and_secrets_stay_at_their_origin(receiver, settings):
    with receiving() as other:
        settings.WEBHOOK_ALLOWED_HOSTS = [receiver.place, other.place]
        places = {"/start": "/next", "/next": f"{other.url}/end"}
        receiver.answer = lambda request, line: (307, {"Location": places[request.path]}, b"")
        sent = Outgoing("POST", f"{receiver.url}/start", {"Authorization": "Bearer s", "Content-Type": "text/x"}, b"b")
        assert send(sent, follow=2).url == f"{other.url}/end"
        assert [one.headers.get("authorization") for one in receiver.received] == ["Bearer s"] * 2
        [last] = other.received
        assert (last.method, last.body, last.headers["content-type"]) == ("POST", b"b", "text/x")
        assert "authorization" not in last.headers
        with pytest.raises(NotReached, match="more than 1"):
            send(sent, follow=1)
        receiver.answer = lambda request, line: (303, {"Location": other.url}, b"")
        send(sent, follow=1)
        assert (other.received[-1].method, other.received[-1].body) == ("GET", b"")


def test_an_answer_is_read_up_to_its_limit(receiver):
    receiver.answer = lambda request, line: (200, {}, b"x" * 100_000)
    answer = attempt(receiver.url, bounds=Bounds(size=1_000))
    assert (len(answer.body), answer.cut) == (1_000, True)
    receiver.answer = lambda request, line: (200, {}, b"y" * 1_000)
    answer = attempt(receiver.url, bounds=Bounds(size=1_000))
    assert (len(answer.body), answer.cut) == (1_000, False)


@pytest.mark.parametrize("greeting", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"])
def test_whoever_answers_byte_by_byte_does_not_hold_a_request_for_longer_than_its_time(receiver, greeting):
    """Each byte comes in time, the whole never would: headers and body."""
    over = threading.Event()

    def drip(request, line):
        line.write(greeting)
        while not over.wait(0.02):
            line.write(b"X")
            line.flush()

    receiver.answer = drip
    with pytest.raises(NotReached, match="in time"):
        attempt(receiver.url, bounds=Bounds(whole=0.3))
    over.set()


def test_a_line_that_breaks_and_a_host_nobody_knows_may_be_tried_again(receiver, settings):
    receiver.answer = lambda request, line: line.close()
    with pytest.raises(NotReached, match="failed"):
        attempt(receiver.url)

    def unknown(*_arguments, **_options):
        raise socket.gaierror(-2, "Name or service not known")

    with pytest.raises(NotReached, match="Nobody knows the host"):
        attempt("https://example.com/", unknown)
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        place = f"127.0.0.1:{closed.getsockname()[1]}"
    settings.WEBHOOK_ALLOWED_HOSTS = [place]
    with pytest.raises(NotReached, match="refused"):
        attempt(f"http://{place}/")


def certificate(tmp_path, name):
    """A certificate of its own for a host; the file with it and its key."""
    key, named = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder().subject_name(named).issuer_name(named).public_key(key.public_key())
        .serial_number(1).not_valid_before(NOW - LONG).not_valid_after(NOW + LONG)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    plain = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path = tmp_path / "certificate.pem"
    path.write_bytes(made.public_bytes(Encoding.PEM) + plain)
    return path


def test_the_other_side_shows_that_it_is_the_host_of_the_address(settings, tmp_path, monkeypatch):
    """TLS asks for the name of the URL, although the connection goes to an address."""
    path = certificate(tmp_path, "secure.example.com")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(path)
    with receiving(context) as receiver:
        guarding.on = False
        port = receiver.place.rpartition(":")[2]
        names = [f"{name}.example.com:{port}" for name in ("secure", "other")]
        settings.WEBHOOK_ALLOWED_HOSTS = names
        resolver = Resolver(**{name.partition(":")[0]: ["127.0.0.1"] * 3 for name in names})
        with pytest.raises(door.NotTrusted, match=r"secure\.example\.com:[0-9]* could not show"):
            attempt(f"https://{names[0]}/", resolver)
        trusting = ssl.create_default_context(cafile=str(path))
        monkeypatch.setattr(door, "tls", lambda: trusting)
        assert attempt(f"https://{names[0]}/x", resolver).status == 200
        with pytest.raises(door.NotTrusted, match=r"other\.example\.com"):
            attempt(f"https://{names[1]}/", resolver)
    assert [one.path for one in receiver.received] == ["/x"]
    assert receiver.received[0].headers["host"] == names[0]


def test_the_doors_own_trust_is_that_of_the_machine_and_of_the_usual_authorities():
    context = door.tls()
    assert context.verify_mode == ssl.CERT_REQUIRED and context.check_hostname
    assert len(context.get_ca_certs()) > 50


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Host", "x"),
        ("content-length", "5"),
        ("X-A\r\nB", "x"),
        ("X-A", "x\r\nB: c"),
        ("X A", "x"),
        ("X-A", "\x00"),
        ("", ""),
    ],
)
def test_headers_cannot_be_split_or_say_how_a_request_is_carried(receiver, name, value):
    with pytest.raises(NotAllowed, match="header"):
        send(Outgoing("POST", receiver.url, {name: value}))
    assert receiver.received == []


def test_other_methods_are_refused(receiver):
    for method in ("CONNECT", "TRACE", "get", "POST /x HTTP/1.1\r\n"):
        with pytest.raises(NotAllowed, match="method"):
            send(Outgoing(method, receiver.url))
    assert receiver.received == [] and set(door.METHODS) == {"GET", "POST", "PUT", "PATCH", "DELETE"}


def test_what_is_shown_of_a_place_names_its_port_only_where_it_is_not_the_usual_one(settings):
    settings.WEBHOOK_ALLOWED_HOSTS = ["[2606:2800:21f:cb07:6820:80da:af6b:8b2c]:80"]
    assert targets.read("HTTPS://Example.COM:443/x").origin == "https://example.com"
    assert targets.read("https://example.com:8443").url == "https://example.com:8443/"
    assert targets.read(f"http://[{PUBLIC_TOO}]/").origin == f"http://[{PUBLIC_TOO}]"
