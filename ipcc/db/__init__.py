"""The database of a service: engine and transactions, column types, outbox and inbox, migrations. Only stores use it."""
