"""What REST says of itself: the OpenAPI document, made of the declarations in force, and the page that shows it."""
