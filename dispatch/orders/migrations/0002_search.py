from django.db import migrations


class Migration(migrations.Migration):
    """Add a trigram index (pg_trgm), so that any part of an id, name or address finds an order."""

    dependencies = [("orders", "0001_orders")]

    operations = [
        migrations.RunSQL(
            sql="CREATE INDEX order_search ON orders_order USING gin (search gin_trgm_ops)",
            reverse_sql="DROP INDEX order_search",
        )
    ]
