"""What is given on the command line. It knows none of the other rooms."""
