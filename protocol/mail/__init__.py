"""What the actions of both dialects share: transactions, content, trace fields."""
