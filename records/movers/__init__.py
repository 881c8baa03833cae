"""What moves when records merge, of what every record has: before what other apps have of them."""
