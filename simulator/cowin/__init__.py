"""CoWIN's vaccinator and protected APIs, v2, as reconstructed in the profile `cowin-vaccinator`; no sockets, no clock."""
