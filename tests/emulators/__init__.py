"""Outside services on loopback ports: each speaks its wire protocol, so that the real client code runs in tests."""
