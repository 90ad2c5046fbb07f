"""Who acts: the name that owners, notes and runs carry."""

from __future__ import annotations

from gittasks.base.records import TYPE_CHECKING
from gittasks.workgraph.fields import check_value

if TYPE_CHECKING:
    from gittasks.app.project import Project


def actor(project: Project, name: str | None = None) -> str:
    """`name`, else $GITTASKS_OWNER, else git's `user.name`, else $USER. Raises `InvalidError` for a bad one."""
    found = (
        name
        or project.env.get("GITTASKS_OWNER")
        or project.git.config("user.name")
        or project.env.get("USER")
        or "unknown"
    )
    return str(check_value("owner", found))
