"""What the values of backups have to say together."""

from __future__ import annotations

import pytest

from k3k_core.errors import ValuesError
from k3k_core.values import load_values

RECIPIENT = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kudjxy5hs9g0c9n"
SCHEDULED = f"""
backup:
  schedule: 17 3 * * *
  image: example.org/k3k:1
  recipients: [{RECIPIENT}]
  s3: {{bucket: backups}}
"""


def refused(text: str) -> set[str]:
    with pytest.raises(ValuesError) as caught:
        load_values(text)
    return {issue.path for issue in caught.value.issues}


def test_a_schedule_with_all_it_takes_is_accepted() -> None:
    assert load_values(SCHEDULED).values.backup.schedule == "17 3 * * *"


def test_a_schedule_needs_an_image_a_recipient_and_a_place() -> None:
    missing = {"backup.image", "backup.recipients", "backup.schedule"}
    assert refused("backup: {schedule: 17 3 * * *}") == missing


def test_backups_go_to_one_place() -> None:
    text = "backup: {s3: {bucket: backups}, volume: {enabled: true}}"
    assert refused(text) == {"backup.volume.enabled"}


def test_something_has_to_be_kept() -> None:
    assert refused("backup: {retention: {keep: 0}}") == {"backup.retention.keep"}
    assert load_values("backup: {retention: {keep: 0, keep_for: 7d}}").values.backup.retention.keep == 0


def test_a_volume_beside_the_data_is_warned_about() -> None:
    warned = load_values("backup: {volume: {enabled: true}}").warnings
    assert [issue.path for issue in warned] == ["backup.volume"]
    elsewhere = load_values("backup: {volume: {enabled: true, storage_class: elsewhere}}")
    assert elsewhere.warnings == ()


@pytest.mark.parametrize("text", ["60 * * * *", "* * * * 7", "@daily", "17 3 * *", "* 24 * * *", "* * 0 * *"])
def test_what_is_no_schedule_of_a_cron_job_is_refused(text: str) -> None:
    assert refused(SCHEDULED.replace("17 3 * * *", f'"{text}"')) == {"backup.schedule"}


@pytest.mark.parametrize("text", ["*/15 * * * *", "0 3 * * 1-5", "17 3,15 1 JAN *", ""])
def test_what_is_one_is_taken(text: str) -> None:
    assert load_values(SCHEDULED.replace("17 3 * * *", f'"{text}"')).values.backup.schedule == text


def test_a_secret_key_among_the_recipients_is_refused_without_being_shown() -> None:
    key = "AGE-SECRET-KEY-1QQQQQQ"
    with pytest.raises(ValuesError) as caught:
        load_values(SCHEDULED.replace(RECIPIENT, key))
    assert [issue.path for issue in caught.value.issues] == ["backup.recipients[0]"]
    assert key not in str(caught.value)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("backup.s3.bucket", "Upper"),
        ("backup.s3.endpoint", "s3.example.org"),
        ("backup.s3.endpoint", "https://a:b@s3.example.org"),
    ],
)
def test_a_bucket_and_its_storage_have_to_be_ones(path: str, text: str) -> None:
    name = path.rpartition(".")[2]
    assert refused(f'backup: {{s3: {{{name}: "{text}"}}}}') == {path}
