"""What carries out any table: it knows no dialect."""
