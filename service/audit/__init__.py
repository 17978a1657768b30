"""The counting checker: sends mail through any SMTP servers, writes down what they answer, and counts what became of it."""
