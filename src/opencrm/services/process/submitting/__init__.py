"""Taking what people send by web forms: recognising them, and making of it what the form says."""
