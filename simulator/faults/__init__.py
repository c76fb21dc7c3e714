"""The ways in which the server can fail: one fault, one file, in the field's words."""
