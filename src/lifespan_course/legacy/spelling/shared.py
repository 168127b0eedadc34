"""What the handlers open, and the endpoints use."""

from typing import Any

opened: dict[str, Any] = {}
