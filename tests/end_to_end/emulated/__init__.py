"""The whole product with every vendor emulated."""
