"""Administration that is handed down: what people who are no owners may change in the organisation."""
