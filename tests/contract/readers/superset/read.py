"""Reads the archive through Superset: the connection, its catalogue, a query and two charts.

Prints one JSON object. Arguments: the URI of the connection, as its form takes it.
"""

import json
import sys

from flask_appbuilder import Model
from superset.app import create_app

NET = {
    "expressionType": "SIMPLE",
    "aggregate": "SUM",
    "column": {"column_name": "net"},
    "label": "net",
}


def chart(dataset, **asked):
    query = {
        "granularity": "day",
        "from_dttm": None,
        "to_dttm": None,
        "metrics": [NET],
        "is_timeseries": False,
        "filter": [],
        "extras": {},
        "columns": [],
        "row_limit": 1000,
        **asked,
    }
    answer = dataset.query(query)
    assert answer.error_message is None, answer.error_message
    return json.loads(answer.df.to_json(orient="values", date_format="iso"))


with create_app().app_context():
    from superset.connectors.sqla.models import SqlaTable
    from superset.extensions import db
    from superset.models.core import Database
    from superset.sql.parse import Table

    Model.metadata.create_all(db.engine)
    database = Database(database_name="daehwa")
    database.set_sqlalchemy_uri(sys.argv[1])
    dataset = SqlaTable(table_name="revenue_by_day", schema="daehwa", database=database)
    db.session.add_all([database, dataset])
    db.session.commit()
    dataset.fetch_metadata()
    view = Table("funnel", "daehwa")
    counted = database.get_df("SELECT count() AS orders FROM daehwa.orders", schema="daehwa")
    told = {
        "engine": database.db_engine_spec.__name__,
        "views": sorted(name for name, *_ in database.get_all_view_names_in_schema(None, "daehwa")),
        "comment": database.get_table_comment(view),
        "columns": {one["column_name"]: one["comment"] for one in database.get_columns(view)},
        "orders": int(counted["orders"][0]),
        "times": [one.column_name for one in dataset.columns if one.is_dttm],
        "by_source": chart(dataset, columns=["source"]),
        "by_month": chart(dataset, is_timeseries=True, extras={"time_grain_sqla": "P1M"}),
    }
json.dump(told, sys.stdout)
