"""Use cases: tasks in from another tracker, and out for another program."""

from __future__ import annotations

from gittasks.app.exchange.exporting import EXPORTS, export_tasks
from gittasks.app.exchange.importing import Imported, import_tasks
from gittasks.app.exchange.sources import KINDS

__all__ = ["EXPORTS", "KINDS", "Imported", "export_tasks", "import_tasks"]
