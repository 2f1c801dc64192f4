"""What the routes to Google share: the service account, the SDK that sends once, failures, and Cloud Storage."""
