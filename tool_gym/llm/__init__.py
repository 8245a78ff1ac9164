"""A client of OpenAI-compatible endpoints: bounded, recorded, accounted for, and never trusted.

    endpoint  what is talked to
    transport one request: time-outs, retries, back-off
    cache     what was answered before: live, record, replay
    ledger    tokens and money, with caps
    client    all of that together
    answers   answers that are JSON of a schema; problems and patches, by which they are mended
    journal   what a run has finished
    work      pieces of work, side by side, stopped gracefully
    fake      a deterministic endpoint for tests, on the loopback interface

The core never imports this package, and it imports httpx only when a client is made.
"""
