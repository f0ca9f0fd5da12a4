"""What the OpenAPI document says of the addresses that are no plain operations on records."""
