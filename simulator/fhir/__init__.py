"""A FHIR R4 server that keeps immunizations, as servers in use behave; no sockets, no clock."""
