"""The parts that the actions of both dialects share: transactions, content, trace fields."""
