"""Exports: a scenario's tools as a Python module, FTRL records, OpenAI JSON, an SQLite file or an MCP server."""
