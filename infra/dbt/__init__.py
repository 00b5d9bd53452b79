"""A dbt project over the archive: the views as sources, and two models to begin with."""
