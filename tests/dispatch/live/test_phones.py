"""The log-in of a driver's phone: where it counts, how long, and how it ends."""

from __future__ import annotations

import datetime as dt

import pytest
from django.conf import settings
from django.test import RequestFactory

from dispatch.live import services
from dispatch.live.credentials import DriverDevice
from dispatch.live.models import Device
from dispatch.live.selectors import device_of_key, has_live_link
from dispatch.live.services import NewDevice
from lastmile.core.errors import TooMany
from lastmile.core.models import Event
from lastmile.core.tenancy import RetailerRef, retailer_context
from tenants.credentials import Recognised, Refused, SocketCall
from tenants.people.models import AuditEntry
from tenants.permissions import Act, Kind, may
from tests.dispatch.conftest import SetClock
from tests.factories.fleet import make_driver
from tests.factories.live import at

ANDROID = "Mozilla/5.0 (Linux; Android 14; Pixel 7) AppleWebKit/537.36 Chrome/130.0.0.0 Mobile"
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like "
    "Gecko) Version/18.0 Mobile/15E148 Safari/604.1"
)


def log_in(agent: str = ANDROID) -> NewDevice:
    return services.take_login_link(
        secret=services.make_login_link(driver=make_driver()).secret, agent=agent
    )


def recognised(key: str, path: str = "/driver/day/") -> Recognised | Refused | None:
    request = RequestFactory().get(path)
    request.COOKIES[settings.DRIVER_COOKIE_NAME] = key
    return DriverDevice().recognise_request(request)


def test_the_cookie_counts_for_the_drivers_addresses_only(retailer: RetailerRef) -> None:
    new = log_in()
    known = recognised(new.key)
    assert isinstance(known, Recognised)
    assert (known.principal.kind, known.principal.role) == (Kind.DEVICE, "driver_device")
    assert known.principal.public_id == new.device.driver.public_id
    assert known.principal.hubs == {new.device.driver.hub.public_id}
    assert known.credential.session_key == new.device.public_id
    for path in ("/", "/console/", "/api/v1/orders/", "/drivers/", "/t/driver/"):
        assert recognised(new.key, path) is None


def test_a_phone_may_read_and_report_its_day_and_nothing_else(retailer: RetailerRef) -> None:
    known = recognised(log_in().key)
    assert isinstance(known, Recognised)
    allowed = {act for act in Act if may(known.principal, act)}
    assert allowed == {Act.DRIVER_VIEW, Act.DRIVER_ACT, Act.POSITIONS_SEND}


def test_a_phone_of_one_retailer_is_a_stranger_to_another(
    retailer: RetailerRef, other: RetailerRef
) -> None:
    key = log_in().key
    with retailer_context(other):
        assert device_of_key(key) is None
        assert isinstance(recognised(key), Refused)


@pytest.mark.parametrize("key", ["", "drvkey_guess", "x" * 5000, "\x00"])
def test_a_stranger_is_not_recognised(retailer: RetailerRef, key: str) -> None:
    log_in()
    assert not isinstance(recognised(key), Recognised)


def test_a_revoked_phone_ends_at_once_and_its_socket_too(retailer: RetailerRef) -> None:
    new = log_in()
    known = recognised(new.key)
    assert isinstance(known, Recognised)
    services.revoke_device(device=new.device)
    assert isinstance(recognised(new.key), Refused)
    assert DriverDevice().current_principal(known.credential) is None
    services.revoke_device(device=new.device)
    assert AuditEntry.objects.filter(act="device.revoke").count() == 1
    assert Event.objects.filter(kind="device.revoked").count() == 1


def test_a_phone_lives_thirty_days_from_its_last_use(
    retailer: RetailerRef, clock: SetClock
) -> None:
    clock(at(8))
    new = log_in()
    clock(at(8) + dt.timedelta(days=29))
    assert isinstance(recognised(new.key), Recognised)
    clock(at(8) + dt.timedelta(days=58))
    assert isinstance(recognised(new.key), Recognised)
    clock(at(8) + dt.timedelta(days=89))
    assert isinstance(recognised(new.key), Refused)


def test_a_phone_is_renewed_at_most_once_an_hour(retailer: RetailerRef, clock: SetClock) -> None:
    clock(at(8))
    new = log_in()
    before = new.device.last_used_at
    clock(at(8, 30))
    recognised(new.key)
    assert Device.objects.get().last_used_at == before
    clock(at(9, 30))
    recognised(new.key)
    assert Device.objects.get().last_used_at > before


def test_a_socket_needs_a_page_of_the_retailer(retailer: RetailerRef) -> None:
    key = log_in().key

    def call(path: str, *, own: bool) -> object:
        cookies = {settings.DRIVER_COOKIE_NAME: key}
        return DriverDevice().recognise_socket(
            SocketCall(scope={"path": path}, from_own_page=own, query={}, cookies=cookies)
        )

    assert isinstance(call("/ws/v1/driver/", own=True), Recognised)
    assert call("/ws/v1/driver/", own=False) is None
    assert call("/ws/v1/board/", own=True) is None


def test_looking_at_a_link_does_not_use_it(retailer: RetailerRef) -> None:
    link = services.make_login_link(driver=make_driver())
    assert has_live_link(link.secret)
    assert has_live_link(link.secret)
    services.take_login_link(secret=link.secret)
    assert not has_live_link(link.secret)
    assert not has_live_link("guess")


def test_guesses_of_a_code_are_limited(fresh_db: str, retailer: RetailerRef) -> None:
    for _n in range(20):
        services.count_login_try(address="203.0.113.9")
    with pytest.raises(TooMany):
        services.count_login_try(address="203.0.113.9")
    services.count_login_try(address="203.0.113.10")


def test_neither_secret_is_stored(retailer: RetailerRef) -> None:
    link = services.make_login_link(driver=make_driver())
    new = services.take_login_link(secret=link.secret)
    stored = str(list(Device.objects.values())) + str(list(type(link.link).objects.values()))
    for secret in (link.secret, link.code, new.key):
        assert secret not in stored


@pytest.mark.parametrize(
    ("agent", "name"),
    [(ANDROID, "Android, Chrome 130"), (IPHONE, "iPhone, Safari 18"), ("", ""), ("curl/8", "")],
)
def test_a_phone_is_named_after_its_browser(agent: str, name: str) -> None:
    assert services.device_name(agent) == name


def test_what_the_app_tells_is_kept(retailer: RetailerRef) -> None:
    device = log_in().device
    services.note_device_told(device=device, app_version="a1b2", installed=True)
    device.refresh_from_db()
    assert (device.app_version, device.installed, device.storage_kept) == ("a1b2", True, None)


def test_old_links_and_phones_are_forgotten(retailer: RetailerRef, clock: SetClock) -> None:
    clock(at(8))
    log_in()
    assert services.forget_devices() == {"login_links": 0, "devices": 0}
    clock(at(8) + dt.timedelta(days=2))
    assert services.forget_devices()["login_links"] == 1
    clock(at(8) + dt.timedelta(days=100))
    assert services.forget_devices()["devices"] == 1


@pytest.mark.usefixtures("retailer")
def test_a_phone_known_by_its_key_has_all_values_of_its_rows() -> None:
    driver = make_driver(skills=["cold"])
    link = services.make_login_link(driver=driver)
    new = services.take_login_link(secret=link.secret, agent="Android Chrome/130.0")
    read = device_of_key(new.key)
    assert read is not None
    row = Device.objects.select_related("driver__hub").get(pk=new.device.pk)
    for one, other in (
        (read, row),
        (read.driver, row.driver),
        (read.driver.hub, row.driver.hub),
    ):
        names = [field.attname for field in other._meta.concrete_fields]
        assert [getattr(one, name) for name in names] == [getattr(other, name) for name in names]
    assert read.driver.skills == ["cold"]
    read.app_version = "2"
    read.save(update_fields=["app_version"])
    row.refresh_from_db()
    assert row.app_version == "2", "it is a row of the database, not a new one"
