"""The check of the translations: extract texts from the code, merge, compile and check them."""
