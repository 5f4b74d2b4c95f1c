"""Allow tickets of any credential: the switchboard has the list of credential names."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("people", "0002_first_owner")]
    operations = [
        migrations.RemoveConstraint(model_name="socketticket", name="socket_ticket_kind_known"),
        migrations.AlterField(
            model_name="socketticket",
            name="kind",
            field=models.CharField(
                help_text="name of the credential it was made with", max_length=20
            ),
        ),
    ]
