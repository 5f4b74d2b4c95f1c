"""``manage.py driver_login``: a link for a phone, from the command line."""

from __future__ import annotations

import io
import json
from urllib.parse import urlsplit

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client

from dispatch.live.models import Device
from lastmile.core.tenancy import RetailerRef, retailer_context
from tests.factories.fleet import make_driver


def log_in(ref: RetailerRef, driver: str) -> dict[str, str]:
    out = io.StringIO()
    call_command("driver_login", "--json", "--schema", ref.schema, "--driver", driver, stdout=out)
    answer: dict[str, str] = json.loads(out.getvalue())
    return answer


def test_the_link_logs_one_phone_in_once(retailer: RetailerRef, client: Client) -> None:
    driver = make_driver(name="Ana Salinas", external_id="d-1")
    for key in ("ana salinas", "d-1", driver.public_id):
        answer = log_in(retailer, key)
        assert answer["driver"] == driver.public_id
    path, host = urlsplit(answer["url"]).path, retailer.domain
    assert urlsplit(answer["url"]).netloc.startswith(host)
    assert client.post(path, headers={"host": host}).status_code == 303
    assert client.post(path, headers={"host": host}).status_code == 404
    with retailer_context(retailer):
        assert Device.objects.filter(driver=driver).count() == 1


def test_an_unknown_or_doubtful_name_is_refused_with_those_that_exist(
    retailer: RetailerRef,
) -> None:
    first, second = make_driver(name="Eva Lopes"), make_driver(name="Eva Lopes")
    with pytest.raises(CommandError, match="Choose from: Eva Lopes"):
        log_in(retailer, "Nobody")
    with pytest.raises(CommandError) as refusal:
        log_in(retailer, "Eva Lopes")
    assert first.public_id in str(refusal.value)
    assert second.public_id in str(refusal.value)
