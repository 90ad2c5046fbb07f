"""One module a command: `HELP`, `EXAMPLE`, `configure(parser)` and `run(args, ctx) -> exit code`."""
