"""Logs of all services as one: lines of every form read, grouped, filtered, merged by time and shown."""
