"""What is told of a recording without looking anywhere."""

import pytest

from noctule.replay.domain import playlist_at, reads_raw_video


@pytest.mark.parametrize(
    ("version", "raw"),
    [
        ("1.8.9", True),
        ("1.8.0", True),
        ("1.4.4.dev3", True),
        ("1.8", True),
        ("0.9.12", True),
        ("1.8.10", False),
        ("1.8.20", False),
        ("1.10.0", False),
        ("2.0", False),
        ("", False),
        ("unknown", False),
        (None, False),
    ],
)
def test_only_clients_of_before_read_the_body_as_a_video(version: str | None, raw: bool) -> None:
    assert reads_raw_video(version) is raw


def test_every_part_of_a_playlist_leads_to_the_one_file() -> None:
    playlist = (
        '#EXTM3U\n#EXT-X-MAP:URI="fragments.mp4",BYTERANGE="837@0"\n#EXTINF:10.1,\n#EXT-X-BYTERANGE:5@837\n'
        "fragments.mp4\n#EXT-X-ENDLIST\n"
    )
    assert playlist_at(playlist, r"https://host/a\1b?c=d").splitlines() == [
        "#EXTM3U",
        r'#EXT-X-MAP:URI="https://host/a\1b?c=d",BYTERANGE="837@0"',
        "#EXTINF:10.1,",
        "#EXT-X-BYTERANGE:5@837",
        r"https://host/a\1b?c=d",
        "#EXT-X-ENDLIST",
    ]
