"""The whole product as its customers and operators meet it."""
