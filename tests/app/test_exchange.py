"""Imports into real repositories: once, again, changed, together with local edits, killed, and the real exports."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from gittasks.app import notes, writing
from gittasks.app.exchange import Imported, export_tasks, import_tasks
from gittasks.app.exchange.importing import UnreadableTasksError
from gittasks.app.exchange.sources import SourceError, default_prefix
from gittasks.app.project import Project, open_project
from gittasks.app.setup import init_project
from gittasks.base.errors import GittasksError, InvalidError, NotFoundError, UsageError
from gittasks.workgraph.drafts import Draft
from gittasks.workgraph.record import Task, TaskId
from tests.conftest import git

DATA = Path(os.environ.get("GITTASKS_TEST_DATA", Path(__file__).parents[3] / "shared" / "data"))


@pytest.fixture
def project(repo: Path) -> Project:
    made = open_project(str(repo), env=dict(os.environ))
    init_project(made)
    git(repo, "commit", "-qm", "init")
    return made


def issue(key: str, **fields: Any) -> dict[str, Any]:
    when = "2026-01-02T03:04:05Z"
    always = {"issue_type": "task", "created_at": when, "updated_at": when}
    return {"id": key, "title": f"Issue {key}", "status": "open", "priority": 2} | always | fields


def bring(project: Project, *issues: dict[str, Any], **options: Any) -> Imported:
    data = "".join(json.dumps(one) + "\n" for one in issues).encode()
    return import_tasks(project, "beads", "-", name="<stdin>", stdin=data, **options)


def depends(key: str, *on: str) -> list[dict[str, str]]:
    return [{"issue_id": key, "depends_on_id": target, "type": "blocks"} for target in on]


def by_ref(project: Project) -> dict[str, Task]:
    return {str(dict(task.extra).get("ref")): task for task in project.snapshot().tasks()}


def edit(project: Project, task_id: int, **changes: Any) -> None:
    writing.edit_task(project, TaskId(task_id), lambda _: changes, purpose="edit")


def contents(project: Project) -> dict[str, bytes]:
    return {
        str(path.relative_to(project.top)): path.read_bytes()
        for path in sorted(Path(project.tasks_folder).rglob("*"))
        if path.is_file()
    }


def settle(project: Project) -> None:
    git(Path(project.top), "add", "-A")
    git(Path(project.top), "commit", "-qm", "x")


def test_tasks_come_in_with_ref_edges_and_notes(project: Project) -> None:
    done = bring(
        project,
        issue("bd-1", comments=[{"author": "ada", "text": "one"}, {"author": "ada", "text": "two"}]),
        issue("bd-2", dependencies=depends("bd-2", "bd-1"), parent="bd-1"),
    )
    assert done.added == ((1, "beads:bd-1"), (2, "beads:bd-2"))
    assert done.statuses["pending"] == 2
    tasks = by_ref(project)
    assert tasks["beads:bd-2"].blocked_by == (1,)
    assert tasks["beads:bd-2"].parent == 1
    assert [note.text for note in notes.list_notes(project, TaskId(1))] == ["one", "two"]
    assert git(Path(project.top), "diff", "--name-only") == ""  # all of it is staged


def test_the_same_again_writes_nothing(project: Project) -> None:
    issues = [
        issue("bd-1", comments=[{"author": "a", "text": "x"}], labels=["l"]),
        issue("bd-2", parent="bd-1"),
    ]
    bring(project, *issues)
    settle(project)
    before = contents(project)
    done = bring(project, *issues)
    assert (done.added, done.updated, done.unchanged) == ((), (), 2)
    assert done.written.changed == ()
    assert contents(project) == before
    assert git(Path(project.top), "status", "--porcelain") == ""


def test_what_changed_at_the_source_comes_over_and_local_edits_stay(project: Project) -> None:
    before = [
        issue("bd-1", labels=["a", "b"]),
        issue("bd-2", dependencies=depends("bd-2", "bd-1")),
        issue("bd-3"),
    ]
    bring(project, *before)
    edit(project, 1, subject="My words", labels=("a", "b", "mine"), status="completed")
    edit(project, 2, blocked_by=())
    after = [
        issue("bd-1", labels=["b", "c"], priority=0, status="open"),
        issue(
            "bd-2", dependencies=depends("bd-2", "bd-1", "bd-3"), comments=[{"author": "a", "text": "new"}]
        ),
        issue("bd-3"),
    ]
    done = bring(project, *after)
    assert [(change.id, change.fields) for change in done.updated] == [
        (1, ("priority", "labels")),
        (2, ("blockedBy",)),
    ]
    assert done.unchanged == 1
    tasks = by_ref(project)
    first, second = tasks["beads:bd-1"], tasks["beads:bd-2"]
    assert (first.subject, first.status, first.priority) == ("My words", "completed", 0)
    assert first.labels == ("b", "c", "mine")
    assert second.blocked_by == (3,)
    assert [note.text for note in notes.list_notes(project, TaskId(2))] == ["new"]


def test_an_update_touches_only_the_lines_of_its_fields(project: Project) -> None:
    bring(project, issue("bd-1", assignee="ada"))
    path = Path(project.tasks_folder, "1.yaml")
    path.write_bytes(path.read_bytes().replace(b"status: pending", b"status: pending  # not begun\n# a word"))
    settle(project)
    bring(project, issue("bd-1", assignee="bob"))
    changed = [line for line in git(Path(project.top), "diff", "HEAD", "-U0").splitlines() if line[0] in "+-"]
    assert [line for line in changed if not line.startswith(("+++", "---", "+imported", "-imported"))] == [
        "-owner: ada",
        "+owner: bob",
    ]


def test_a_field_that_the_source_drops_goes(project: Project) -> None:
    bring(project, issue("bd-1", due_at="monday", estimated_minutes=5))
    done = bring(project, issue("bd-1", due_at="tuesday"))
    assert done.updated[0].fields == ("due_at", "estimated_minutes")
    extra = dict(by_ref(project)["beads:bd-1"].extra)
    assert extra["due_at"] == "tuesday"
    assert "estimated_minutes" not in extra


def test_a_field_goes_also_where_a_comment_stands_in_the_way(project: Project) -> None:
    bring(project, issue("bd-1", description="words", due_at="monday"))
    path = Path(project.tasks_folder, "1.yaml")
    text = path.read_text()
    start, end = text.index("description:"), text.index("created:")
    block, rest = text[start:end].rstrip("\n"), text[:start] + text[end:]
    due = "due_at: monday\n"
    path.write_text(rest.replace(due, "").rstrip("\n") + f"\n\n{block}\n{due}  # indented\n")
    assert bring(project, issue("bd-1", description="words")).updated[0].fields == ("due_at",)
    assert "due_at" not in dict(by_ref(project)["beads:bd-1"].extra)
    assert "# indented" in path.read_text()
    assert by_ref(project)["beads:bd-1"].description == "words"


def test_a_reference_that_dangled_becomes_an_edge_when_its_task_comes(project: Project) -> None:
    first = issue("bd-1", dependencies=depends("bd-1", "bd-2"))
    done = bring(project, first)
    assert [tuple(edge) for edge in done.dangling] == [("bd-1", "blockedBy", "bd-2")]
    assert dict(by_ref(project)["beads:bd-1"].extra)["relations"] == ["blockedBy bd-2"]
    done = bring(project, first, issue("bd-2"))
    assert not done.dangling
    task = by_ref(project)["beads:bd-1"]
    assert task.blocked_by == (2,)
    assert "relations" not in dict(task.extra)


def test_a_part_of_the_source_may_name_what_came_before(project: Project) -> None:
    bring(project, issue("bd-1"))
    done = bring(project, issue("bd-2", dependencies=depends("bd-2", "bd-1"), parent="bd-1"))
    assert not done.dangling
    assert done.gone == ((1, "beads:bd-1"),)
    task = by_ref(project)["beads:bd-2"]
    assert (task.blocked_by, task.parent) == ((1,), 1)


def test_circles_are_left_out_and_named_also_with_local_edges(project: Project) -> None:
    done = bring(
        project,
        issue("a", dependencies=depends("a", "b")),
        issue("b", dependencies=depends("b", "a")),
        issue("c"),
    )
    assert [tuple(edge) for edge in done.circular] == [("b", "blockedBy", "a")]
    edit(project, 3, blocked_by=(TaskId(1),))
    done = bring(
        project,
        issue("a", dependencies=depends("a", "b")),
        issue("b", dependencies=depends("b", "c"), parent="c"),
        issue("c", parent="b"),
    )
    assert [tuple(edge) for edge in done.circular] == [("c", "parent", "b"), ("b", "blockedBy", "c")]
    tasks = by_ref(project)
    assert tasks["beads:b"].blocked_by == ()
    assert dict(tasks["beads:b"].extra)["relations"] == ["blockedBy c"]
    settle(project)
    before = contents(project)
    again = bring(
        project,
        issue("a", dependencies=depends("a", "b")),
        issue("b", dependencies=depends("b", "c"), parent="c"),
        issue("c", parent="b"),
    )
    assert again.updated == ()
    assert contents(project) == before


def test_an_edge_onto_a_task_outside_the_batch_closes_no_circle_either(
    project: Project, tmp_path: Path
) -> None:
    def claude(number: str, **fields: Any) -> Imported:
        path = tmp_path / "list" / f"{number}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps({"id": number, "subject": number} | fields))
        done = import_tasks(project, "claude", str(path.parent))
        path.unlink()
        return done

    claude("1")
    claude("2", blockedBy=["1"])
    assert by_ref(project)["claude:list/2"].blocked_by == (1,)
    done = claude("3", blockedBy=["2"], blocks=["1"])
    assert [tuple(edge) for edge in done.circular] == [("3", "blocks", "1")]
    done = claude("4", blocks=["2"])
    assert not done.circular
    assert by_ref(project)["claude:list/2"].blocked_by == (1, 4)


def test_a_new_row_among_ours_is_new_whatever_number_it_has(project: Project) -> None:
    writing.add_tasks(project, [Draft("a"), Draft("b", key="b"), Draft("c", blocked_by=("b",))])
    first, second, third = project.snapshot().tasks()
    table = f"id,uid,subject,blockedBy\n1,{first.uid},a,2\n3,,mine,2\n{third.id}x,{third.uid},c,2\n"
    done = import_tasks(project, "csv", "-", stdin=table.encode())
    assert done.added == ((4, "csv:3"),)
    tasks = {task.id: task for task in project.snapshot().tasks()}
    assert tasks[third.id].subject == "c"
    assert (tasks[first.id].blocked_by, tasks[TaskId(4)].blocked_by) == ((second.id,), (second.id,))


def test_one_ref_on_two_rows_makes_two_tasks_once(project: Project) -> None:
    table = b"id,subject,ref\n1,a,x:1\n2,b,x:1\n"
    assert len(import_tasks(project, "csv", "-", stdin=table).added) == 2
    assert import_tasks(project, "csv", "-", stdin=table).unchanged == 2


def test_a_locally_deleted_task_stays_deleted(project: Project) -> None:
    bring(project, issue("bd-1"))
    edit(project, 1, status="deleted")
    done = bring(project, issue("bd-1", priority=0))
    assert by_ref(project)["beads:bd-1"].status == "deleted"
    assert done.updated[0].fields == ("priority",)


def test_a_dry_run_changes_nothing(project: Project) -> None:
    bring(project, issue("bd-1"))
    settle(project)
    before = contents(project)
    done = bring(project, issue("bd-1", priority=0), issue("bd-2"), dry_run=True)
    assert (done.added, done.updated[0].fields) == (((2, "beads:bd-2"),), ("priority",))
    assert contents(project) == before
    assert bring(project, issue("bd-2")).added == ((2, "beads:bd-2"),)  # and no id was lost


def test_it_can_be_committed_whole(project: Project) -> None:
    done = bring(project, issue("bd-1"), issue("bd-2"), commit=True)
    assert done.written.commit == git(Path(project.top), "rev-parse", "HEAD")
    assert git(Path(project.top), "log", "-1", "--format=%s") == "Import 2 tasks from beads"
    assert git(Path(project.top), "status", "--porcelain") == ""


def test_prefixes_keep_two_sources_apart(project: Project) -> None:
    bring(project, issue("1", title="one"), prefix="left")
    bring(project, issue("1", title="two"), prefix="right")
    assert {ref: task.subject for ref, task in by_ref(project).items()} == {
        "beads:left/1": "one",
        "beads:right/1": "two",
    }


def test_lists_of_claude_code_go_by_their_folder(project: Project, tmp_path: Path) -> None:
    for name, subject in (("auth", "Log in"), ("pay", "Buy")):
        (tmp_path / name).mkdir()
        for number in (10, 2):
            fields = {
                "id": str(number),
                "subject": f"{subject} {number}",
                "status": "pending",
                "blockedBy": ["2"],
            }
            (tmp_path / name / f"{number}.json").write_text(json.dumps(fields))
        (tmp_path / name / ".lock").touch()
        import_tasks(project, "claude", str(tmp_path / name))
    assert {ref: task.id for ref, task in by_ref(project).items()} == {
        "claude:auth/2": 1,
        "claude:auth/10": 2,
        "claude:pay/2": 3,
        "claude:pay/10": 4,
    }
    assert by_ref(project)["claude:pay/10"].blocked_by == (3,)
    assert default_prefix("claude", str(tmp_path / "auth" / "..") + "/auth/") == "auth"


def test_folders_of_backlog_are_found_from_the_project_or_inside(project: Project, tmp_path: Path) -> None:
    for folder, key in (("tasks", "task-1"), ("completed", "task-2"), ("archive/tasks", "task-3")):
        (tmp_path / "backlog" / folder).mkdir(parents=True)
        text = f"---\nid: {key}\ntitle: {key}\nstatus: Done\n---\n"
        (tmp_path / "backlog" / folder / f"{key} - x.md").write_text(text)
    (tmp_path / "backlog" / "config.yml").write_text("statuses: [Open, Done]\n")
    done = import_tasks(project, "backlog", str(tmp_path))
    assert [ref for _, ref in done.added] == ["backlog:task-1", "backlog:task-2", "backlog:task-3"]
    assert done.statuses["deleted"] == 1
    assert import_tasks(project, "backlog", str(tmp_path / "backlog")).unchanged == 3
    assert import_tasks(project, "backlog", str(tmp_path / "backlog" / "tasks")).unchanged == 1


def test_tickets_are_found_from_the_project_or_inside(project: Project, tmp_path: Path) -> None:
    (tmp_path / ".tickets").mkdir()
    (tmp_path / ".tickets" / "ab-1.md").write_text("---\nid: ab-1\nstatus: open\n---\n# One\n")
    assert import_tasks(project, "ticket", str(tmp_path)).added == ((1, "ticket:ab-1"),)
    assert import_tasks(project, "ticket", str(tmp_path / ".tickets")).unchanged == 1


def test_ours_go_out_and_come_back_as_themselves(project: Project) -> None:
    bring(
        project,
        issue("bd-1", labels=["x"]),
        issue("bd-2", dependencies=depends("bd-2", "bd-1"), parent="bd-1"),
    )
    writing.add_tasks(
        project, [Draft(subject="=mine", blocked_by=(1,), description="two\nlines", owner="ada")]
    )
    edit(project, 3, status="deleted")
    settle(project)
    before = contents(project)
    for kind in ("json", "csv", "beads"):
        text = export_tasks(project, kind).text
        done = import_tasks(project, kind, "-", stdin=text.encode())
        assert (done.added, done.updated, done.dangling) == ((), (), []), kind
    assert contents(project) == before


def test_a_table_edited_elsewhere_changes_what_was_edited(project: Project) -> None:
    writing.add_tasks(
        project, [Draft(subject="a", labels=("x",)), Draft(subject="b", blocked_by=(), parent=None)]
    )
    table = "id,uid,subject,labels,blockedBy\n"
    for task in project.snapshot().tasks():
        table += f"{task.id},{task.uid},{task.subject}{'!' * (task.id - 1)},y,{'1' if task.id == 2 else ''}\n"
    table += "9,,new one,,2\n"
    done = import_tasks(project, "csv", "-", stdin=table.encode())
    assert [(change.id, change.fields) for change in done.updated] == [
        (1, ("labels",)),
        (2, ("subject", "labels", "blockedBy")),
    ]
    assert done.added == ((3, "csv:9"),)
    assert by_ref(project)["csv:9"].blocked_by == (2,)


def test_another_projects_export_keeps_its_identities(project: Project, tmp_path: Path) -> None:
    bring(project, issue("bd-1"))
    writing.add_tasks(project, [Draft(subject="ours", blocked_by=(1,))])
    text = export_tasks(project, "json").text
    git(tmp_path, "init", "-q", "other")
    other = open_project(str(tmp_path / "other"), env=dict(os.environ))
    init_project(other)
    writing.add_tasks(other, [Draft(subject="was here")])
    done = import_tasks(other, "json", "-", stdin=text.encode())
    uids = {task.subject: task.uid for task in project.snapshot().tasks()}
    assert [ref for _, ref in done.added] == ["beads:bd-1", f"gittasks:{uids['ours']}"]
    there = {task.subject: task for task in other.snapshot().tasks()}
    assert there["ours"].uid == uids["ours"]
    assert there["ours"].blocked_by == (2,)
    assert import_tasks(other, "json", "-", stdin=text.encode()).unchanged == 2
    assert bring(other, issue("bd-1")).unchanged == 1


def test_notes_are_in_the_document_and_a_bad_file_is_named(project: Project) -> None:
    writing.add_tasks(project, [Draft(subject="a"), Draft(subject="b")])
    notes.add_note(project, TaskId(1), "a word", author="ada")
    Path(project.tasks_folder, "2.yaml").write_text("id: [")
    done = export_tasks(project, "json")
    (task,) = json.loads(done.text)["tasks"]
    assert [note["text"] for note in task["notes"]] == ["a word"]
    assert [problem.path for problem in done.problems] == [".tasks/2.yaml"]


def test_only_open_tasks_on_request(project: Project) -> None:
    writing.add_tasks(project, [Draft(subject="a", status="completed"), Draft(subject="b")])
    assert export_tasks(project, "csv", only_open=True).tasks == 1
    assert export_tasks(project, "csv").tasks == 2


def refused(project: Project, kind: str, path: Path) -> GittasksError:
    before = contents(project)
    with pytest.raises(GittasksError) as caught:
        import_tasks(project, kind, str(path), name=path.name)
    assert contents(project) == before
    return caught.value


def test_what_cannot_be_read_changes_nothing(project: Project, tmp_path: Path) -> None:
    bad = tmp_path / "bad.jsonl"
    bad.write_text('{"id": "bd-1", "title": "x"}\n' * 16 + '{"id": "bd-17", \n')
    assert refused(project, "beads", bad).message.startswith("bad.jsonl:18: is not JSON")
    assert isinstance(refused(project, "beads", tmp_path), SourceError)
    assert isinstance(refused(project, "beads", tmp_path / "nothing"), NotFoundError)
    assert isinstance(refused(project, "ticket", bad), SourceError)
    assert isinstance(refused(project, "ticket", tmp_path / "nothing"), NotFoundError)
    assert isinstance(refused(project, "sheet", bad), UsageError)
    with pytest.raises(UsageError):
        import_tasks(project, "ticket", "-", stdin=b"")


@pytest.mark.parametrize("kind", ["backlog", "ticket", "claude"])
def test_links_and_fifos_among_the_files_are_refused(project: Project, tmp_path: Path, kind: str) -> None:
    ending = "json" if kind == "claude" else "md"
    link, fifo, empty = tmp_path / "link", tmp_path / "fifo", tmp_path / "empty"
    for folder in (link, fifo, empty):
        folder.mkdir()
    (link / f"1.{ending}").symlink_to("/etc/passwd")
    os.mkfifo(fifo / f"1.{ending}")
    assert "symbolic link" in refused(project, kind, link).message
    assert "not a regular file" in refused(project, kind, fifo).message
    assert "holds no" in refused(project, kind, empty).message


def test_a_link_to_the_source_is_followed_and_a_pipe_is_refused(project: Project, tmp_path: Path) -> None:
    (tmp_path / "real.jsonl").write_text(json.dumps(issue("bd-1")))
    (tmp_path / "link.jsonl").symlink_to("real.jsonl")
    assert import_tasks(project, "beads", str(tmp_path / "link.jsonl")).added == ((1, "beads:bd-1"),)
    os.mkfifo(tmp_path / "pipe")
    assert refused(project, "beads", tmp_path / "pipe").hint == "name it as - and pipe it in"


def test_a_folder_with_an_odd_name_makes_a_clean_ref(project: Project, tmp_path: Path) -> None:
    folder = os.fsencode(tmp_path) + b"/a\xffb\n\x1b"
    os.mkdir(folder)
    Path(os.fsdecode(folder), "1.json").write_text('{"id": "1", "subject": "x"}')
    done = import_tasks(project, "claude", os.fsdecode(folder))
    assert done.added == ((1, "claude:a\\xffb/1"),)
    assert import_tasks(project, "claude", os.fsdecode(folder)).unchanged == 1


def test_a_task_too_large_for_its_file_is_named(project: Project, tmp_path: Path) -> None:
    large = tmp_path / "large.jsonl"
    large.write_text("\n".join(map(json.dumps, (issue("bd-1"), issue("bd-2", description="x" * 2_000_000)))))
    error = refused(project, "beads", large)
    assert isinstance(error, InvalidError)
    assert error.message.startswith("bd-2: ")


def test_unreadable_tasks_are_mended_first(project: Project, tmp_path: Path) -> None:
    Path(project.tasks_folder, "1.yaml").write_text("id: [")
    source = tmp_path / "x.jsonl"
    source.write_text(json.dumps(issue("bd-1")))
    assert isinstance(refused(project, "beads", source), UnreadableTasksError)


@pytest.mark.long
@pytest.mark.skipif(not (DATA / "beads-704.jsonl").exists(), reason="the real export is not here")
def test_the_real_beads_come_in_and_go_round(project: Project, tmp_path: Path) -> None:
    path = DATA / "beads-704.jsonl"
    raw = [json.loads(line) for line in path.read_text().splitlines()]
    done = import_tasks(project, "beads", str(path))
    assert len(done.added) == 704
    known = {one["id"] for one in raw}
    dangling = {
        (one["id"], edge["depends_on_id"])
        for one in raw
        for edge in one.get("dependencies") or []
        if edge["depends_on_id"] not in known
    }
    assert {(edge.key, edge.target) for edge in done.dangling} == dangling
    tasks = by_ref(project)
    numbers = {ref.removeprefix("beads:"): task.id for ref, task in tasks.items()}
    words = {"open": "pending", "pinned": "pending", "closed": "completed"}
    for one in raw:
        task = tasks["beads:" + one["id"]]
        blockers = {
            e["depends_on_id"] for e in one.get("dependencies") or [] if e["type"] == "blocks"
        } & known
        assert task.status == words.get(one["status"], "in_progress")
        assert task.priority == one["priority"]
        assert task.blocked_by == tuple(sorted(numbers[key] for key in blockers))
        assert (task.parent or None) == numbers.get(one.get("parent", ""))
        assert one.get("description", "").strip("\n") in task.description
    settle(project)
    assert import_tasks(project, "beads", str(path)).unchanged == 704
    assert git(Path(project.top), "status", "--porcelain") == ""
    text = export_tasks(project, "beads").text
    git(tmp_path, "init", "-q", "other")
    other = open_project(str(tmp_path / "other"), env=dict(os.environ))
    init_project(other)
    import_tasks(other, "beads", "-", stdin=text.encode())
    assert [_essence(task) for task in other.snapshot().tasks()] == [
        _essence(task) for task in project.snapshot().tasks()
    ]


def _essence(task: Task) -> Task:
    extra = {name: value for name, value in task.extra if name != "imported"}
    return task._replace(uid="", extra=tuple(sorted(extra.items())))


@pytest.mark.skipif(not (DATA / "backlog-md").exists(), reason="the real export is not here")
def test_the_real_backlog_comes_in(project: Project) -> None:
    files = sorted(path.name for path in (DATA / "backlog-md" / "tasks").glob("*.md"))
    done = import_tasks(project, "backlog", str(DATA / "backlog-md"))
    # Every file is a task but the folder's own description, which says so by having no id.
    assert len(done.added) == len(files) - 1
    assert [skipped.path for skipped in done.found.skipped] == ["tasks/readme.md"]
    assert ("BACK-355.02", "blockedBy", "task-355.01") in [tuple(edge) for edge in done.dangling]
    task = by_ref(project)["backlog:BACK-355.02"]
    assert task.parent == by_ref(project)["backlog:BACK-355"].id
    assert len(notes.list_notes(project, task.id)) == 4
    settle(project)
    assert import_tasks(project, "backlog", str(DATA / "backlog-md")).updated == ()
    assert git(Path(project.top), "status", "--porcelain") == ""
