"""`nb`: the command with which people, pipelines and agents run the service."""
