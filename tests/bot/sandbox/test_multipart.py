"""Forms as other people's clients write them: grammY without quotes, curl with backslashes, browsers with per cent."""

from __future__ import annotations

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.sandbox.multipart import read_form
from bot.sandbox.refusals import Refused
from tests.bot.sandbox.conftest import TOKEN, Running, image

KIND = "multipart/form-data; boundary=----------r4bxjpfyeeely3rf"


def written(*parts: tuple[str, bytes]) -> bytes:
    delimiter = b"--" + KIND.rpartition("=")[2].encode()
    body = b"".join(delimiter + b"\r\n" + head.encode() + b"\r\n\r\n" + content + b"\r\n" for head, content in parts)
    return body + delimiter + b"--\r\n"


@pytest.mark.parametrize(
    ("written_as", "name"),
    [
        ('"a.txt"', "a.txt"),
        ("a.txt", "a.txt"),
        ("my holiday.jpg", "my holiday.jpg"),
        ("фото «море».jpg", "фото «море».jpg"),
        ('отчёт "1".txt', 'отчёт "1".txt'),
        (r'"a \"b\" c.txt"', 'a "b" c.txt'),
        ('"a %22b%22.txt"', 'a "b".txt'),
        ('"a;b.txt"', "a;b.txt"),
        ('""', "file"),
    ],
)
def test_a_file_keeps_its_name_however_it_is_written(written_as: str, name: str) -> None:
    form = read_form(KIND, written((f'content-disposition:form-data;name="x";filename={written_as}', b"\xff\x00")))
    [(field, upload)] = form.files
    assert (field, upload.name, upload.body) == ("x", name, b"\xff\x00")


def test_a_name_may_have_its_own_encoding() -> None:
    head = "Content-Disposition: form-data; name=x; filename*=UTF-8''%D0%BE%20a.txt\r\nContent-Type: Text/Plain; a=b"
    [(_, upload)] = read_form(KIND, written((head, b"z"))).files
    assert (upload.name, upload.mime) == ("о a.txt", "text/plain")


def test_files_of_one_name_come_in_their_order() -> None:
    parts = [(f'Content-Disposition: form-data; name="photo"; filename="{n}"', n.encode()) for n in "abc"]
    assert [upload.body for _, upload in read_form(KIND, written(*parts)).files] == [b"a", b"b", b"c"]


@given(st.binary(max_size=200))
def test_bytes_of_a_file_arrive_as_they_are(content: bytes) -> None:
    body = written(('Content-Disposition: form-data; name="x"; filename="y"', content), ("a: b", b"nameless"))
    [(_, upload)] = read_form(KIND, b"a preamble\r\n" + body + b"an epilogue").files
    assert upload.body == content


@given(st.binary(max_size=200))
def test_whatever_comes_is_a_form_or_refused(body: bytes) -> None:
    delimiter = b"------------r4bxjpfyeeely3rf\r\n"
    for attempt in (body, delimiter + body, written(("Content-Disposition: form-data; name=x", body))):
        try:
            read_form(KIND, attempt)
        except Refused as refused:
            assert refused.error_code == 400


@pytest.mark.parametrize(
    ("kind", "body", "words"),
    [
        ("multipart/form-data", b"", "boundary"),
        (KIND, b"", "no end"),
        (KIND, written(("Content-Disposition: form-data; name=x", b"y"))[:-6], "no end"),
        (KIND, written(("Content-Disposition: form-data; name=x", b"\xff")), "UTF-8"),
    ],
)
def test_a_broken_form_is_refused_rather_than_read_as_empty(kind: str, body: bytes, words: str) -> None:
    with pytest.raises(Refused, match=words):
        read_form(kind, body)


@pytest.mark.integration
async def test_a_photo_that_grammy_sends_arrives(sandbox: Running, user: int) -> None:
    body = written(
        ('content-disposition:form-data;name="chat_id"', str(user).encode()),
        ('content-disposition:form-data;name="photo"', b"attach://6461tabg03zx00s6"),
        (
            'content-disposition:form-data;name="6461tabg03zx00s6";filename=фото «x».jpg\r\n'
            "content-type:application/octet-stream",
            image(),
        ),
    )
    async with httpx.AsyncClient(verify=False) as client:
        url = f"{sandbox.address}/bot{TOKEN}/sendPhoto"
        answer = await client.post(url, content=body, headers={"content-type": KIND})
    assert answer.status_code == 200, answer.text
    assert answer.json()["result"]["photo"][-1]["width"] == 640
