"""A provider that needs no key: it draws, edits photos and makes short films itself, and says so on every picture.

For words alone it draws a scene that the words choose, for a photo it applies the edits that the words name, for video
models it makes a real MP4. The same words give the same picture. Parameters: ``aspect_ratio``, ``image_size`` (512, 1K,
2K, 4K), ``quantity`` (1 to 4), ``output_format`` (jpeg, png, webp), for videos ``duration`` (4 s of film at most) and
``resolution`` (720p at most).

Orders in square brackets at the start of a prompt make it behave badly; several may follow one another, and they are
not drawn:

``[slow 5]``            takes five seconds and reports progress
``[fail CODE]``         is refused; CODE is a code of `providers.errors.FAILURE_CLASSES`, such as ``content_blocked``
``[fail later CODE]``   is accepted and fails when polled
``[lose]``              is accepted, the answer is lost (`Ambiguous`), `find` knows the job
``[lose early]``        is never accepted, yet the answer is lost and `find` knows nothing; ``[lose early 1]`` only once
``[never]``             runs for ever
``[garbage]``           finishes with bytes that are no picture
``[none]``              finishes with nothing
``[partial]``           finishes with one less than asked
``[flaky 2]``           the first two submissions meet an unavailable provider
``[poll flaky 2]``      the first two polls meet an unavailable provider
``[hang 5]``            is accepted at once and answered five seconds later
``[limit 3]``           the first submission is told to come back in three seconds

Every accepted submission is a line in ``submissions.ndjson`` in the folder, so that a repeated one can be seen.
"""

from providers.demo.provider import DemoProvider

__all__ = ["DemoProvider"]
