"""Other trackers' tasks, in and out. Pure: text in, drafts and findings out; records in, text out.

One module a format. Each importer gives a `findings.Parsed`: drafts that name each other by their foreign ids.
`edges` sorts out what those ids point to, `imprint` what the source changed since last time. Files, ids and locks
are the business of `gittasks.app.exchange`.
"""
