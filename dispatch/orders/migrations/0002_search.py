from django.db import migrations


class Migration(migrations.Migration):
    """Any part of an id, name, phone or address finds an order (pg_trgm)."""

    dependencies = [("orders", "0001_orders")]

    operations = [
        migrations.RunSQL(
            sql="CREATE INDEX order_search ON orders_order USING gin (search gin_trgm_ops)",
            reverse_sql="DROP INDEX order_search",
        )
    ]
