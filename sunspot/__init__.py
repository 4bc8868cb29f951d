"""The ``sunspot`` command: one small module per subcommand."""
