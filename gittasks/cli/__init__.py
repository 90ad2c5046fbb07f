"""The command line: parse, call `gittasks.app`, show. argv, environment and cwd are read here only."""
