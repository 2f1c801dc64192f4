"""The whole product on one machine: embedded servers, a supervisor for the processes, and where their data lives."""
