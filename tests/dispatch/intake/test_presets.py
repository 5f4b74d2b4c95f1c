"""Exports of shops and delivery programs are read as they are."""

from __future__ import annotations

import csv
import datetime as dt
import io

from dispatch.intake.parse import Parsed, Row, parse_orders
from dispatch.intake.parse.presets import PRESETS
from dispatch.intake.parse.tables import write_csv

SHOPIFY = (
    "Name", "Email", "Financial Status", "Fulfillment Status", "Subtotal", "Created at",
    "Lineitem quantity", "Lineitem name", "Billing Name", "Billing City", "Shipping Name",
    "Shipping Street", "Shipping Address1", "Shipping Address2", "Shipping City", "Shipping Zip",
    "Shipping Country", "Shipping Phone", "Notes", "Note Attributes", "Cancelled at", "Id", "Tags",
    "Phone",
)  # fmt: skip
WOO = (
    "order_id", "order_number", "date", "status", "order_total", "billing_first_name",
    "billing_email", "billing_phone", "shipping_first_name", "shipping_last_name",
    "shipping_address_1", "shipping_address_2", "shipping_city", "shipping_postcode",
    "customer_note", "item_name", "item_quantity",
)  # fmt: skip


def read(headings: tuple[str, ...], *rows: dict[str, str]) -> Parsed[Row]:
    out = io.StringIO()
    writer = csv.DictWriter(out, headings)
    writer.writeheader()
    writer.writerows(rows)
    return parse_orders(out.getvalue().encode(), max_rows=100)


BREAD = {
    "Name": "#1001", "Email": "ana@example.org", "Fulfillment Status": "unfulfilled",
    "Subtotal": "20,000", "Created at": "2026-11-27 10:02:10 -0300", "Lineitem quantity": "2",
    "Lineitem name": "Bread", "Billing Name": "Paula Pays", "Billing City": "Elsewhere",
    "Shipping Name": "Ana Prueba", "Shipping Street": "Cordovez 300",
    "Shipping Address1": "Cordovez 300", "Shipping Address2": "Depto 4",
    "Shipping City": "La Serena", "Shipping Zip": "'0170000", "Shipping Phone": "'+56 9 6123 4567",
    "Notes": "Ring twice", "Id": "5501234567890", "Tags": "Local, VIP",
}  # fmt: skip
MILK = {"Name": "#1001", "Email": "ana@example.org", "Lineitem quantity": "1",
        "Lineitem name": "Milk"}  # fmt: skip


def test_a_shopify_export_has_one_order_for_all_items_at_the_shipping_address() -> None:
    parsed = read(SHOPIFY, BREAD, MILK, BREAD | {"Name": "#1002", "Shipping Name": "Beto"})
    assert [row.external_id for row in parsed.rows] == ["#1001", "#1002"]
    (first, second), refused = parsed.rows, parsed.refused
    assert refused == ()
    assert (first.name, second.name) == ("Ana Prueba", "Beto")
    assert (first.address, first.unit, first.city) == ("Cordovez 300", "Depto 4", "La Serena")
    assert (first.postcode, first.phone) == ("0170000", "+56 9 6123 4567")
    assert (first.notes, first.skills, len(first.parcels)) == ("Ring twice", (), 1)
    assert parsed.unknown_headings == ("Tags",)


def test_day_and_window_in_the_note_attributes_are_the_promise() -> None:
    promise = {
        "Note Attributes": "Gift: yes\nDelivery-Date: 2026/12/01\nDelivery-Time: 9:00 - 12:00"
    }
    (row,) = read(SHOPIFY, BREAD | promise, MILK).rows
    assert (row.date, row.opens_minute, row.closes_minute) == (dt.date(2026, 12, 1), 540, 720)
    unclear = read(SHOPIFY, BREAD | {"Note Attributes": "Delivery time: soon"})
    assert [fault.code for fault in unclear.refused[0].faults] == ["not_a_window"]


def test_an_order_that_the_shop_has_ended_is_refused_with_its_word() -> None:
    parsed = read(
        SHOPIFY,
        BREAD | {"Fulfillment Status": "fulfilled"},
        BREAD | {"Name": "#1003", "Cancelled at": "2026-11-28 09:00"},
    )
    faults = [row.faults for row in parsed.refused]
    assert [(one.code, one.params["value"]) for (one,) in faults] == [
        ("done_in_shop", "fulfilled"), ("done_in_shop", "2026-11-28 09:00")
    ]  # fmt: skip


def test_an_ended_order_stays_refused_in_the_file_of_the_refused_rows() -> None:
    parsed = read(SHOPIFY, BREAD | {"Fulfillment Status": "fulfilled"})
    (refused,) = parsed.refused
    again = "".join(write_csv(list(parsed.headings), iter([list(refused.cells)])))
    (fault,) = parse_orders(again.encode(), max_rows=9).refused[0].faults
    assert (fault.code, fault.params["value"]) == ("done_in_shop", "fulfilled")


def test_a_column_that_may_name_the_day_of_delivery_is_never_ignored() -> None:
    order = {
        "order_number": "WC-1", "shipping_first_name": "Ana", "shipping_address_1": "Elm 1",
        "order_total": "22.90", "status": "processing",
    }  # fmt: skip
    for heading, cell in (("Order Delivery Date", "2026-12-05"), ("Order Notes", "Ring"),
                          ("Feedback", "good"), ("Tax delivery slot", "")):  # fmt: skip
        headings = (*WOO, heading)
        parsed = read(headings, order | {heading: cell})
        assert parsed.unknown_headings == (heading,), heading


def test_items_with_other_data_of_the_order_are_not_dropped() -> None:
    parsed = read(SHOPIFY, BREAD, BREAD | {"Shipping City": "Coquimbo"})
    assert [fault.code for fault in parsed.refused[0].faults] == ["twice"]


def test_in_a_woocommerce_export_the_date_of_the_order_is_no_day_of_delivery() -> None:
    item = {
        "order_id": "7001", "order_number": "WC-7001", "date": "2026-11-20 08:00:00",
        "status": "processing", "order_total": "22.90", "billing_first_name": "Paula",
        "billing_email": "ana@example.org", "billing_phone": "961234567",
        "shipping_first_name": "Ana", "shipping_last_name": "Prueba",
        "shipping_address_1": "Cordovez 300", "shipping_address_2": "Depto 4",
        "shipping_city": "La Serena", "shipping_postcode": "1700000", "customer_note": "Ring twice",
        "item_name": "Bread", "item_quantity": "2",
    }  # fmt: skip
    parsed = read(WOO, item, item | {"item_name": "Milk"}, item | {"order_number": "WC-7002",
                  "status": "completed"})  # fmt: skip
    (row,) = parsed.rows
    assert (row.external_id, row.name, row.date) == ("WC-7001", "Ana Prueba", None)
    assert (row.address, row.unit, row.phone) == ("Cordovez 300", "Depto 4", "961234567")
    assert [fault.code for fault in parsed.refused[0].faults] == ["done_in_shop"]
    assert parsed.unknown_headings == ()


def test_the_headings_of_other_delivery_programs_are_known() -> None:
    rows = {
        "Order ID,Address,TW start,TW end,Duration,Phone,Notes": "A,Elm 1,9:00,12:00,5,1,x",
        "Order ID,Address Line 1,Address Line 2,Earliest time,Latest time,Recipient name,"
        "Recipient email address,Package count,Time at stop": "A,Elm 1,Flat 2,9:00,12:00,Ana,"
        "a@example.org,1,5",
        "Order no,Recipient_Name,Address_Line1,Address_Line2,City/Town,Postal_Code,Task_Details,"
        "Complete_After,Complete_Before": "A,Ana,Elm 1,Flat 2,Albany,12207,x,9:00,12:00",
    }  # fmt: skip
    for headings, cells in rows.items():
        parsed = parse_orders(f"{headings}\n{cells}".encode(), max_rows=9)
        (row,) = parsed.rows
        assert (row.external_id, row.address) == ("A", "Elm 1")
        assert (row.opens_minute, row.closes_minute) == (540, 720)
        assert parsed.unknown_headings == ()


def test_a_file_with_our_headings_is_not_an_export() -> None:
    plain = "order_id,name,address,tags\nA,Ana,Elm 1,vip"
    parsed = parse_orders(plain.encode(), max_rows=9)
    assert parsed.headings == ("order_id", "name", "address", "tags")
    assert (parsed.rows[0].skills, parsed.unknown_headings) == ((), ("tags",))
    names = [preset.known_by for preset in PRESETS]
    assert len(names) == len(set(names))


def test_the_line_that_names_the_delimiter_is_no_heading() -> None:
    for line, cut in (("sep=;", ";"), ("SEP=,", ","), ('"sep=\t"', "\t"), ("\ufeffsep=|", "|")):
        text = "\n".join([line, cut.join(["order_id", "name", "address"]),
                          cut.join(["A", "Ana", "Elm 1"])])  # fmt: skip
        parsed = parse_orders(text.encode(), max_rows=9)
        assert [(row.external_id, row.address) for row in parsed.rows] == [("A", "Elm 1")], line
    assert parse_orders(b"sep,name,order_id,address\n1,Ana,A,Elm 1", max_rows=9).rows[0].number == 2


def test_an_apostrophe_before_a_number_is_removed_and_one_in_a_name_stays() -> None:
    text = "order_id,name,address,postcode\n'0017,'t Hooft,Elm 1,'0170"
    (row,) = parse_orders(text.encode(), max_rows=9).rows
    assert (row.external_id, row.name, row.postcode) == ("0017", "'t Hooft", "0170")
