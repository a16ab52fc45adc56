"""`python -m hw_bnn`: the command `hw-bnn`, where its script is not on the PATH."""

from .cli import main

main()
