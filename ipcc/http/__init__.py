"""What every service's REST and WebSocket side shares: the app factory, errors, health, paging, the event hub, the server."""
