"""`python -m proxy` is `dosekeeper`."""

from proxy.cli import main

main()
