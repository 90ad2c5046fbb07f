"""Coding agents on tasks: what they are told, how they are called, what they say, what they did.

`starting` is the use case, `working` what its run does, in a process under the supervisor like any command.
"""
