"""The commands of ``pynn``: a module each, with ``add_to(commands)`` and ``run(arguments)``."""
