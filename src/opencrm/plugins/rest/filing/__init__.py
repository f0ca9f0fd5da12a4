"""Files on records: how they come in, how they go out, and what the document says of them."""
