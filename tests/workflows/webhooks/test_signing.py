"""Signatures agree with those of the specification's own library, whatever is signed, and junk is never an error."""

from __future__ import annotations

import base64
import datetime as dt
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from standardwebhooks import Webhook as Library

from tests.workflows.building import NOW
from workflows.webhooks import signing

KEYS = st.binary(min_size=signing.SHORTEST, max_size=signing.LONGEST)
#: What a header can hold on its way through a server: no line breaks.
JUNK = st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=60)


def secret_of(key: bytes) -> str:
    return signing.PREFIX + base64.b64encode(key).decode()


@settings(max_examples=60, deadline=None, database=None)
@given(KEYS, st.text(max_size=200), st.from_regex(r"msg_[A-Za-z0-9]{1,30}", fullmatch=True))
def test_what_one_side_signs_the_other_takes(key: bytes, body: str, message: str) -> None:
    secret = secret_of(key)
    ours = signing.signature(secret, message, NOW, body.encode(errors="surrogatepass"))
    assert ours == Library(secret).sign(message, NOW, body)
    headers = {signing.ID: message, signing.TIMESTAMP: str(int(NOW.timestamp())), signing.SIGNATURE: ours}
    assert signing.is_signed(secret, headers, body.encode(errors="surrogatepass"), NOW + dt.timedelta(minutes=4))
    for other in ({signing.ID: f"{message}x"}, {signing.TIMESTAMP: str(int(NOW.timestamp()) + 1)}):
        assert not signing.is_signed(secret, headers | other, body.encode(errors="surrogatepass"), NOW)


@settings(max_examples=60, deadline=None, database=None)
@given(
    KEYS,
    st.dictionaries(st.sampled_from([signing.ID, signing.TIMESTAMP, signing.SIGNATURE]), JUNK),
    st.binary(max_size=50),
)
def test_no_header_is_an_error_and_none_that_was_not_signed_is_taken(key: bytes, headers: Any, body: bytes) -> None:
    assert not signing.is_signed(secret_of(key), headers, body, NOW)
    garbage = ("garbage", "v1,%%%", "v1,", "v1", ",", "v2,AAAA", "v1,ÿ")
    for signature in garbage:
        for at in (str(int(NOW.timestamp())), "1e999", "-1", "٣", "9" * 400):
            told = {signing.ID: "msg_1", signing.TIMESTAMP: at, signing.SIGNATURE: signature}
            assert not signing.is_signed(secret_of(key), told, body, NOW)
