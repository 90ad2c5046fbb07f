"""Claims as refs: found without git, changed by compare-and-swap, read whatever a stranger wrote into one."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gittasks.repo import claim_remotes, claim_writes, claims
from gittasks.repo.claim_blobs import MAX_BYTES, Claim, format_claim, parse_claim, read_claims
from gittasks.repo.claims import claim_ref, claim_refs, read_ref, read_refs, remote_of, tracking_ref
from gittasks.repo.discover import Checkout, find_checkout
from gittasks.repo.git import Git, GitError
from tests.conftest import git

CLAIM = Claim(12, "9f3c1a7be2d04c55", "ada", "box", "main", "2026-11-23T10:00:00Z", "00ff00ff00ff00ff")


@pytest.fixture
def checkout(repo: Path) -> Checkout:
    return find_checkout(str(repo))


def git_in(repo: Path) -> Git:
    return Git(str(repo), os.environ)


def blob(repo: Path, data: bytes) -> str:
    return git_in(repo).output("hash-object", "-w", "--stdin", stdin=data, write=True).decode().strip()


def point(repo: Path, ref: str, data: bytes = b"x") -> str:
    oid = blob(repo, data)
    git(repo, "update-ref", ref, oid)
    return oid


def test_there_are_none_at_first(checkout: Checkout) -> None:
    assert claim_refs(checkout, os.environ) == {}
    assert read_ref(checkout, os.environ, claim_ref(1)) is None


@pytest.mark.parametrize("packed", [False, True])
def test_own_and_remote_claims_are_found(repo: Path, checkout: Checkout, packed: bool) -> None:
    oid = point(repo, claim_ref(12))
    theirs = point(repo, tracking_ref("team/origin", 12), b"y")
    point(repo, tracking_ref("backup", 3))
    if packed:
        git(repo, "pack-refs", "--all", "--prune")
        assert not (repo / ".git" / claim_ref(12)).exists()
    refs = claim_refs(checkout, os.environ)
    assert refs == {12: (claim_ref(12), tracking_ref("team/origin", 12)), 3: (tracking_ref("backup", 3),)}
    assert [remote_of(ref) for ref in refs[12]] == [None, "team/origin"]
    assert [read_ref(checkout, os.environ, ref) for ref in refs[12]] == [oid, theirs]
    assert read_refs(checkout, os.environ, refs[12]) == dict(zip(refs[12], (oid, theirs), strict=True))


def test_many_are_read_as_each_is(repo: Path, checkout: Checkout) -> None:
    for task_id in (1, 2, 3):
        point(repo, claim_ref(task_id))
    git(repo, "pack-refs", "--all", "--prune")
    point(repo, claim_ref(2), b"since")
    for task_id, data in ((4, "ref: refs/heads/main\n"), (5, "nonsense\n"), (3, "f" * 40)):
        (repo / ".git" / claim_ref(task_id)).parent.mkdir(parents=True, exist_ok=True)
        (repo / ".git" / claim_ref(task_id)).write_text(data)
    refs = [claim_ref(task_id) for task_id in range(1, 7)]
    each = {ref: read_ref(checkout, os.environ, ref) for ref in refs}
    assert read_refs(checkout, os.environ, refs) == {ref: oid for ref, oid in each.items() if oid}
    assert [ref for ref in refs if each[ref]] == refs[:3]


def test_a_loose_ref_is_newer_than_a_packed_one(repo: Path, checkout: Checkout) -> None:
    point(repo, claim_ref(12), b"old")
    git(repo, "pack-refs", "--all", "--prune")
    new = point(repo, claim_ref(12), b"new")
    assert claim_refs(checkout, os.environ) == {12: (claim_ref(12),)}
    assert read_ref(checkout, os.environ, claim_ref(12)) == new
    git(repo, "update-ref", "-d", claim_ref(12))
    assert claim_refs(checkout, os.environ) == {}
    assert read_ref(checkout, os.environ, claim_ref(12)) is None


def test_what_is_no_claim_is_passed_over(repo: Path, checkout: Checkout) -> None:
    for ref in (
        "claims/x",
        "claims/0",
        "claims/012",
        "claims/1234567890",
        "claims/7/8",
        "runs/7",
        "claimsx/7",
    ):
        point(repo, f"refs/gittasks/{ref}")
    point(repo, "refs/gittasks/remotes/origin/7")
    folder = repo / ".git" / "refs" / "gittasks" / "claims"
    (folder / "9.lock").write_text("")
    assert claim_refs(checkout, os.environ) == {}
    git(repo, "pack-refs", "--all")
    assert claim_refs(checkout, os.environ) == {}


def test_a_linked_worktree_sees_the_same_claims(repo: Path, tmp_path: Path, checkout: Checkout) -> None:
    oid = point(repo, claim_ref(5))
    git(repo, "worktree", "add", "-q", str(tmp_path / "other"))
    other = find_checkout(str(tmp_path / "other"))
    assert claim_refs(other, os.environ) == claim_refs(checkout, os.environ) == {5: (claim_ref(5),)}
    assert read_ref(other, os.environ, claim_ref(5)) == oid


def test_where_refs_are_no_files_git_is_asked(repo: Path, checkout: Checkout) -> None:
    """With a folder `reftable` there, what lies in files counts no more; git itself answers."""
    oid = point(repo, claim_ref(5))
    point(repo, "refs/gittasks/claims/x")
    (repo / ".git" / "reftable").mkdir()
    assert claim_refs(checkout, os.environ) == {5: (claim_ref(5),)}
    assert read_ref(checkout, os.environ, claim_ref(5)) == oid
    assert read_ref(checkout, os.environ, claim_ref(6)) is None


def test_a_claim_is_made_and_dropped_by_compare_and_swap(repo: Path, checkout: Checkout) -> None:
    git_, ref = git_in(repo), claim_ref(12)
    first = claim_writes.put(git_, checkout, ref, b"first", old=None)
    assert first is not None
    assert claim_writes.put(git_, checkout, ref, b"second", old=None) is None
    assert claim_writes.put(git_, checkout, ref, b"second", old=blob(repo, b"other")) is None
    assert read_ref(checkout, os.environ, ref) == first
    second = claim_writes.put(git_, checkout, ref, b"second", old=first)
    assert second is not None
    assert claim_writes.drop(git_, checkout, ref, old=first) is False
    assert claim_writes.drop(git_, checkout, ref, old=second) is True
    assert claim_writes.drop(git_, checkout, ref, old=second) is False


def test_of_many_at_once_one_makes_the_claim(repo: Path, checkout: Checkout) -> None:
    won: list[str | None] = []

    def attempt(number: int) -> None:
        won.append(claim_writes.put(git_in(repo), checkout, claim_ref(1), b"%d" % number, old=None))

    threads = [threading.Thread(target=attempt, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [oid for oid in won if oid] == [read_ref(checkout, os.environ, claim_ref(1))]


def test_a_lock_that_a_killed_git_left_is_named(
    repo: Path, checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claim_writes, "_LOCK_WAIT_S", 0.05)
    lock = repo / ".git" / "refs" / "gittasks" / "claims" / "1.lock"
    lock.parent.mkdir(parents=True)
    lock.write_text("")
    with pytest.raises(claim_writes.ClaimLockedError, match=r"claims/1\.lock") as raised:
        claim_writes.put(git_in(repo), checkout, claim_ref(1), b"x", old=None)
    assert raised.value.exit_code == 4
    lock.unlink()
    assert claim_writes.put(git_in(repo), checkout, claim_ref(1), b"x", old=None)


def test_a_hook_that_refuses_is_no_lost_race(repo: Path, checkout: Checkout) -> None:
    hook = repo / ".git" / "hooks" / "reference-transaction"
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(GitError):
        claim_writes.put(git_in(repo), checkout, claim_ref(1), b"x", old=None)


# --- what a claim says ---------------------------------------------------------------------------------------------

texts = st.text(max_size=50)
times = st.just("2026-11-23T10:00:00Z")
built_claims = st.builds(
    Claim,
    id=st.integers(1, 999_999_999),
    uid=texts,
    owner=texts,
    host=texts,
    worktree=st.none() | texts.filter(bool),
    time=texts,
    nonce=texts,
    run=st.none() | texts.filter(bool),
    expires=st.none() | times,
    remote=st.none() | texts.filter(bool),
    reason=st.none() | texts.filter(bool),
    previous=st.none() | texts.filter(bool),
    via=st.none() | texts.filter(bool),
    taker=st.none() | st.dictionaries(texts, st.integers(0) | texts, min_size=1, max_size=3),
    assigned=st.booleans(),
)


@given(built_claims)
def test_a_claim_survives_its_blob(claim: Claim) -> None:
    assert parse_claim(format_claim(claim)) == claim


def test_however_much_is_said_with_it_a_claim_can_be_read() -> None:
    much = "\U0001f600" * 900
    claim = CLAIM._replace(owner="\U0001f600" * 100, reason=much, previous=much, host=much)
    found = parse_claim(format_claim(claim))
    assert found is not None
    assert (found.owner, found.nonce) == (claim.owner, claim.nonce)
    assert found.reason and much.startswith(found.reason)


@given(st.binary(max_size=200) | st.from_regex(rb"\{.*\}", fullmatch=True))
def test_any_bytes_are_a_claim_or_none(data: bytes) -> None:
    found = parse_claim(data)
    assert found is None or isinstance(found, Claim)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(Claim._fields), json_values))
def test_values_of_any_type_are_refused_or_left_out(changed: dict[str, object]) -> None:
    found = parse_claim(json.dumps(CLAIM._asdict() | changed).encode())
    if found is None:
        return
    assert type(found.id) is int
    assert all(
        isinstance(text, str) for text in (found.uid, found.owner, found.host, found.time, found.nonce)
    )
    assert all(
        text is None or isinstance(text, str)
        for text in (
            found.worktree,
            found.run,
            found.expires,
            found.remote,
            found.reason,
            found.previous,
            found.via,
        )
    )


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"\xff\xfe{",
        b"[" * 10_000,
        json.dumps(CLAIM._asdict() | {"owner": None}).encode(),
        json.dumps(CLAIM._asdict() | {"id": True}).encode(),
        json.dumps(CLAIM._asdict() | {"owner": "x" * 2000}).encode(),
        b'{"id": ' + b"9" * 9_000 + b"}",
        b" " * MAX_BYTES + format_claim(CLAIM),
        format_claim(CLAIM).replace(b"{", b'{"taker": {"pid": NaN}, ', 1),
        format_claim(CLAIM).replace(b"{", b'{"taker": {"pid": 1e999}, ', 1),
    ],
)
def test_what_is_no_claim_reads_as_none(data: bytes) -> None:
    assert parse_claim(data) is None


def test_only_a_time_in_our_form_is_compared(repo: Path) -> None:
    for text in ("tomorrow", "2026-11-23 10:00:00", "2026-11-23T10:00:00Zx", "²026-11-23T10:00:00Z", 7):
        found = parse_claim(json.dumps(CLAIM._asdict() | {"expires": text}).encode())
        assert found is not None and found.expires is None


def test_blobs_are_read_wherever_they_lie(repo: Path, checkout: Checkout) -> None:
    oids = [point(repo, claim_ref(number), format_claim(CLAIM._replace(id=number))) for number in (1, 2)]
    git(repo, "repack", "-adq")
    git(repo, "prune-packed", "-q")
    git(repo, "prune")
    assert not (repo / ".git" / "objects" / oids[0][:2] / oids[0][2:]).exists()
    oids.append(point(repo, claim_ref(3), format_claim(CLAIM._replace(id=3))))
    found = read_claims(checkout, os.environ, oids)
    assert [claim.id for oid in oids if (claim := found[oid]) is not None] == [1, 2, 3]


@pytest.mark.parametrize("is_packed", [False, True])
def test_hostile_objects_are_no_claims(repo: Path, checkout: Checkout, is_packed: bool) -> None:
    oids = [
        blob(repo, b"x" * (1 << 20)),
        blob(repo, os.urandom(1 << 17)),
        blob(repo, b"not JSON"),
        git(repo, "rev-parse", "HEAD"),
        git(repo, "rev-parse", "HEAD^{tree}"),
    ]
    for number, oid in enumerate(oids, 1):
        git(repo, "update-ref", claim_ref(number), oid)
    if is_packed:
        git(repo, "repack", "-adq")
        git(repo, "prune-packed", "-q")
    missing = "0" * 39 + "1"
    found = read_claims(checkout, os.environ, [*oids, missing])
    assert found == dict.fromkeys([*oids, missing])


def test_a_damaged_object_is_no_claim(repo: Path, checkout: Checkout) -> None:
    oid = point(repo, claim_ref(1), format_claim(CLAIM))
    path = repo / ".git" / "objects" / oid[:2] / oid[2:]
    path.chmod(0o644)
    path.write_bytes(b"damaged")
    assert read_claims(checkout, os.environ, [oid]) == {oid: None}


# --- remotes -------------------------------------------------------------------------------------------------------


@pytest.fixture
def remote(repo: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "remote.git"
    git(repo, "init", "-q", "--bare", str(folder))
    git(repo, "remote", "add", "origin", str(folder))
    return folder


def test_a_push_needs_what_it_expects(repo: Path, checkout: Checkout, remote: Path) -> None:
    git_ = git_in(repo)
    first, second = blob(repo, b"first"), blob(repo, b"second")
    assert claim_remotes.push(git_, checkout, "origin", 12, first, lease=None).outcome == claim_remotes.PUSHED
    assert git(remote, "rev-parse", claim_ref(12)) == first
    assert read_ref(checkout, os.environ, tracking_ref("origin", 12)) == first
    for lease in (None, second):
        answer = claim_remotes.push(git_, checkout, "origin", 12, second, lease=lease)
        assert answer.outcome == claim_remotes.REJECTED
    assert claim_remotes.push(git_, checkout, "origin", 12, first, lease=None).outcome == claim_remotes.PUSHED
    assert (
        claim_remotes.push(git_, checkout, "origin", 12, second, lease=first).outcome == claim_remotes.PUSHED
    )
    gone = claim_remotes.push_deletion(git_, checkout, "origin", 12, lease=first)
    assert gone.outcome == claim_remotes.REJECTED
    gone = claim_remotes.push_deletion(git_, checkout, "origin", 12, lease=second)
    assert gone.outcome == claim_remotes.PUSHED
    assert git(remote, "for-each-ref") == ""
    assert read_ref(checkout, os.environ, tracking_ref("origin", 12)) is None


def test_a_push_takes_nothing_else_along_and_asks_no_hook(
    repo: Path, checkout: Checkout, remote: Path
) -> None:
    hook = repo / ".git" / "hooks" / "pre-push"
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    git(repo, "tag", "-a", "v1", "-m", "tag")
    git(repo, "config", "push.followTags", "true")
    git(repo, "config", "push.default", "matching")
    answer = claim_remotes.push(git_in(repo), checkout, "origin", 1, blob(repo, b"x"), lease=None)
    assert answer.outcome == claim_remotes.PUSHED
    assert git(remote, "for-each-ref", "--format=%(refname)") == claim_ref(1)


def test_a_fetch_brings_what_the_remote_has_and_nothing_else(
    repo: Path, checkout: Checkout, remote: Path
) -> None:
    mine = point(repo, claim_ref(1), b"mine")
    git(repo, "push", "-q", "origin", "HEAD:refs/heads/main", "HEAD:refs/tags/v1")
    git(repo, "push", "-q", "origin", f"{blob(repo, b'theirs')}:{claim_ref(1)}", f"{mine}:{claim_ref(2)}")
    git(repo, "update-ref", "-d", "refs/remotes/origin/main")
    claim_remotes.fetch(git_in(repo), checkout, "origin")
    assert claim_refs(checkout, os.environ) == {
        1: (claim_ref(1), tracking_ref("origin", 1)),
        2: (tracking_ref("origin", 2),),
    }
    assert read_ref(checkout, os.environ, claim_ref(1)) == mine
    assert git(repo, "for-each-ref", "refs/remotes", "refs/tags") == ""
    git(remote, "update-ref", "-d", claim_ref(2))
    claim_remotes.fetch(git_in(repo), checkout, "origin")
    assert 2 not in claim_refs(checkout, os.environ)


def test_a_remote_that_is_not_there_is_an_answer(repo: Path, checkout: Checkout, tmp_path: Path) -> None:
    git(repo, "remote", "add", "origin", str(tmp_path / "nowhere"))
    answer = claim_remotes.push(git_in(repo), checkout, "origin", 1, blob(repo, b"x"), lease=None)
    assert answer.outcome == claim_remotes.FAILED
    assert "nowhere" in answer.words
    with pytest.raises(claim_remotes.UnreachableError, match="nowhere"):
        claim_remotes.fetch(git_in(repo), checkout, "origin")


def test_a_remote_that_refuses_says_so(repo: Path, checkout: Checkout, remote: Path) -> None:
    hook = remote / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    answer = claim_remotes.push(git_in(repo), checkout, "origin", 1, blob(repo, b"x"), lease=None)
    assert answer.outcome == claim_remotes.REJECTED
    assert "pre-receive hook declined" in answer.words


@pytest.mark.parametrize("name", ["nowhere", "--force", "", "a/../b", "/tmp"])
def test_only_configured_remotes_are_taken(repo: Path, remote: Path, name: str) -> None:
    with pytest.raises(claim_remotes.UnknownRemoteError, match="there is no remote"):
        claim_remotes.require_remote(git_in(repo), name)
    claim_remotes.require_remote(git_in(repo), "origin")


def test_the_names_of_refs_agree(repo: Path) -> None:
    assert claims.ROOT == "refs/gittasks/"
    assert claim_ref(12) == "refs/gittasks/claims/12"
