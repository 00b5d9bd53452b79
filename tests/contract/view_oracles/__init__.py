"""Independent computations of the archive's views, in plain Python over what events say."""
