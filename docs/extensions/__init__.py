"""What makes pages of the documentation: mathematics, the catalogue, the command line, measurements."""
