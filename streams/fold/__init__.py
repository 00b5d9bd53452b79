"""The fold: one profile and one event in, the profile after it and the effects out.

`fold` lists the steps, `batch` folds many events, `linking` and `merging` join profiles,
`deadlines` and `timers` turn silence into events. Imports everything below; imported only by
`definitions` (dry run), agents and infra.
"""
