"""The API of devices: which phones are logged in, and logging one out."""

from __future__ import annotations

from dispatch.live.models import Device
from dispatch.live.selectors import device_of_id
from lastmile.core.tenancy import RetailerRef, retailer_context
from tenants.permissions import KeyRole
from tests.factories import make_driver, make_hub
from tests.factories.live import make_phone
from tests.people import key_client

API = "/api/v1/devices/"


def test_phones_are_listed_and_logged_out_once(retailer: RetailerRef) -> None:
    hub = make_hub()
    phone = make_phone(make_driver(hub=hub, external_id="D-7"))
    other = make_phone(make_driver(hub=hub))
    api = key_client(retailer)
    listed = api.get(API).json()["items"]
    assert [item["id"] for item in listed] == [other.public_id, phone.public_id]
    (item,) = api.get(f"{API}?driver=external_id:D-7").json()["items"]
    assert (item["id"], item["state"], item["hub"]) == (phone.public_id, "active", hub.public_id)
    assert phone.key_digest not in api.get(API).content.decode(), "keys are never shown"
    for _time in range(2):
        answer = api.post(f"{API}{phone.public_id}/revoke/")
        assert (answer.status_code, answer.json()["state"]) == (200, "revoked")
    assert device_of_id(phone.public_id) is None
    assert device_of_id(other.public_id) is not None
    assert api.get(f"{API}{phone.public_id}/").json() == answer.json()


def test_keys_of_other_hubs_roles_and_retailers_see_and_end_nothing(
    retailer: RetailerRef, other: RetailerRef
) -> None:
    phone = make_phone(make_driver(hub=make_hub()))
    narrow = key_client(retailer, KeyRole.INTEGRATION, hubs=[make_hub().public_id])
    with retailer_context(other.schema):
        make_phone(make_driver(hub=make_hub()))
        stranger = key_client(other)
    for api in (narrow, stranger):
        assert phone.public_id not in api.get(API).content.decode()
        assert api.get(f"{API}{phone.public_id}/").status_code == 404
        assert api.post(f"{API}{phone.public_id}/revoke/").status_code == 404
    assert key_client(retailer, KeyRole.DRIVER).get(API).status_code == 403
    assert Device.objects.get(pk=phone.pk).revoked_at is None
