package ledger_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"aval/domain"
	"aval/ledger"
	"aval/ledger/backup"
	"aval/ledger/ledgertest"
)

// source is a store that can be exported whole.
type source interface {
	ledger.Archive
	ledger.Quarantine
}

// archiveOf exports a store.
func archiveOf(t testing.TB, keys *ledger.Keys, store source) []byte {
	t.Helper()
	var out bytes.Buffer
	w := backup.NewWriter(&out)
	extra := map[string][]byte{"node/config.json": []byte("{}")}
	if err := ledger.ExportArchive(keys, store, store, extra, true, w.Put, nil); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(keys.SealArchive); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// filesOf reads an archive; with keys its seal must be theirs.
func filesOf(archive []byte, keys *ledger.Keys) ledger.Files {
	r := backup.NewReader(bytes.NewReader(archive))
	return func() (string, []byte, error) {
		name, data, err := r.Next()
		if errors.Is(err, io.EOF) && keys != nil {
			if err := r.Authentic(keys.SealArchive); err != nil {
				return "", nil, err
			}
		}
		return name, data, err
	}
}

func restoreFrom(files ledger.Files, r ledger.Restore) (ledger.Restored, error) {
	b, err := ledger.OpenBackup(files)
	if err != nil {
		return ledger.Restored{}, err
	}
	r.Contracts, r.Codecs = ledgertest.Contracts(), ledgertest.Codecs()
	return r.From(b)
}

// toldStory is a store in which the whole story was told, with messages in quarantine.
func toldStory(t *testing.T) (*ledgertest.World, *ledgertest.Memory, []step, *teller) {
	t.Helper()
	w, store := ledgertest.NewWorld(t), ledgertest.NewMemory()
	steps := story(w)
	tl := &teller{w: w, inner: store, store: store, answered: map[int]ledger.Reply{}}
	tl.start()
	for i, s := range steps {
		tl.tell(i, s)
	}
	for i := range 3 {
		if err := tl.node.Quarantine(context.Background(), domain.Malformed, fmt.Appendf(nil, "message %d", i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := tl.node.Stop(); err != nil {
		t.Fatal(err)
	}
	return w, store, steps, tl
}

// What was exported is restored into a file: it verifies, everything answered is known there,
// and the log goes on from the old head.
func TestRestoredGoesOn(t *testing.T) {
	w, store, steps, tl := toldStory(t)
	archive := archiveOf(t, w.Keys, store)
	_, old, err := store.Head()
	if err != nil {
		t.Fatal(err)
	}
	target := newStore(t)
	var last ledger.Progress
	found, err := restoreFrom(filesOf(archive, w.Keys), ledger.Restore{Keys: w.Keys, Store: target, Progress: func(p ledger.Progress) { last = p }})
	if err != nil {
		t.Fatal(err)
	}
	want := w.MustVerify(store)
	if report := w.MustVerify(target); report.Leaves != want.Leaves || !bytes.Equal(report.Root, want.Root) {
		t.Errorf("restored %+v, want %+v", report, want)
	}
	if !found.Executed || found.Entries != want.Entries || found.Refusals != want.Refusals || found.Quarantined != 3 || last != (ledger.Progress{Leaves: want.Leaves, Of: want.Leaves}) {
		t.Errorf("found %+v, progress %+v, want %+v", found, last, want)
	}
	if _, signed, err := target.Head(); err != nil || !bytes.Equal(signed, old) {
		t.Errorf("signed head %s, %v, want %s", signed, err, old)
	}
	if again := archiveOf(t, w.Keys, target); !bytes.Equal(again, archive) {
		t.Error("exported again, the archive is another")
	}
	tl.store, tl.inner = target, target
	tl.start()
	tl.recheck(steps)
	if got := balances(t, tl.node, "acme", "bank"); !maps.Equal(got, wantBalances) {
		t.Errorf("balances %v, want %v", got, wantBalances)
	}
	tl.node.Register("newcomer")
	if err := tl.node.Stop(); err != nil {
		t.Fatal(err)
	}
	w.MustVerify(target)
	mustFollow(t, w, target, old)
}

// mustFollow proves with x/mod that the log of a store begins with that of an older checkpoint.
func mustFollow(t *testing.T, w *ledgertest.World, store ledger.Archive, old []byte) {
	t.Helper()
	_, now, err := store.Head()
	if err != nil {
		t.Fatal(err)
	}
	before, after := headOf(t, w, old), headOf(t, w, now)
	var hashes []tlog.Hash
	err = store.Entries(0, int(after.N), func(s ledger.StoredEntry) error {
		more, err := tlog.StoredHashes(int64(s.Index), s.Leaf, tlog.HashReaderFunc(func(at []int64) ([]tlog.Hash, error) {
			var found []tlog.Hash
			for _, i := range at {
				found = append(found, hashes[i])
			}
			return found, nil
		}))
		hashes = append(hashes, more...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	reader := tlog.HashReaderFunc(func(at []int64) ([]tlog.Hash, error) {
		var found []tlog.Hash
		for _, i := range at {
			found = append(found, hashes[i])
		}
		return found, nil
	})
	proof, err := tlog.ProveTree(after.N, before.N, reader)
	if err == nil {
		err = tlog.CheckTree(proof, after.N, after.Hash, before.N, before.Hash)
	}
	if err != nil || after.N <= before.N {
		t.Errorf("%d leaves do not follow %d: %v", after.N, before.N, err)
	}
}

func headOf(t *testing.T, w *ledgertest.World, checkpoint []byte) tlog.Tree {
	t.Helper()
	verifier, err := note.NewVerifier(w.Keys.LogVerifier)
	if err != nil {
		t.Fatal(err)
	}
	opened, err := note.Open(checkpoint, note.VerifierList(verifier))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(opened.Text, "\n")
	tree := tlog.Tree{}
	if _, err := fmt.Sscan(lines[1], &tree.N); err != nil {
		t.Fatal(err)
	}
	if tree.Hash, err = tlog.ParseHash(lines[2]); err != nil {
		t.Fatal(err)
	}
	return tree
}

// Several bundles, several groups of batches, and files between them.
func TestRestoreLongLog(t *testing.T) {
	w, store := ledgertest.NewWorld(t), ledgertest.NewMemory()
	n := w.MustStart(store)
	grow(t, n, 5000)
	if err := n.Stop(); err != nil {
		t.Fatal(err)
	}
	target := newStore(t)
	archive := archiveOf(t, w.Keys, store)
	found, err := restoreFrom(filesOf(archive, w.Keys), ledger.Restore{Keys: w.Keys, Store: target, Heads: []uint64{2, 3, n.Size()}})
	if err != nil {
		t.Fatal(err)
	}
	report := w.MustVerify(target)
	if !bytes.Equal(found.Root, report.Root) || found.Leaves != n.Size() {
		t.Errorf("%+v, %+v", found, report)
	}
	if found.Roots[2] == nil || found.Roots[3] != nil || !bytes.Equal(found.Roots[n.Size()], found.Root) {
		t.Errorf("roots %x: want those of 2 and %d leaves, where batches end", found.Roots, n.Size())
	}
	// The same archive, unpacked, is the public log.
	files := map[string][]byte{}
	next := filesOf(archive, nil)
	for name, data, err := next(); !errors.Is(err, io.EOF); name, data, err = next() {
		if err != nil {
			t.Fatal(err)
		}
		files[name] = data
	}
	log, err := ledger.VerifyLog(n.Policy(), fetchFrom(files))
	if err != nil || !bytes.Equal(log.Root, report.Root) {
		t.Errorf("%+v, %v", log, err)
	}
	public := map[string][]byte{}
	err = ledger.ExportLog(w.Keys, n.Policy(), store, func(name string, data []byte) error {
		public[name] = bytes.Clone(data)
		return nil
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if want := publish(t, n); !maps.EqualFunc(public, want, bytes.Equal) {
		t.Errorf("exported %v, the node serves %v", slices.Sorted(maps.Keys(public)), slices.Sorted(maps.Keys(want)))
	}
}

// A cosigned head goes along, stays what is published, and counts when a policy asks for witnesses.
func TestRestoreCosigned(t *testing.T) {
	w, by := watched(t)
	store := ledgertest.NewMemory()
	n := w.MustStart(store)
	unwatched := archiveOf(t, w.Keys, store)
	cosigned := cosign(n, by[0], by[1])
	if err := n.Cosign(cosigned); err != nil {
		t.Fatal(err)
	}
	size := n.Size()
	n.Register("acme")
	if err := n.Stop(); err != nil {
		t.Fatal(err)
	}
	archive, target := archiveOf(t, w.Keys, store), newStore(t)
	found, err := restoreFrom(filesOf(archive, w.Keys), ledger.Restore{Policy: w.Policy, Keys: w.Keys, Store: target})
	if err != nil || found.Cosigned != size || found.Leaves <= size {
		t.Fatalf("%+v, %v", found, err)
	}
	again := w.MustStart(target)
	if published, err := again.Checkpoint(); err != nil || !bytes.Equal(published, cosigned) {
		t.Errorf("published %q, %v", published, err)
	}
	if err := again.Stop(); err != nil {
		t.Fatal(err)
	}
	if report := w.MustVerify(target); report.Cosigned != size {
		t.Errorf("%+v", report)
	}
	// The public log is that of the cosigned head, and the archive without one is nothing under this policy.
	files := map[string][]byte{}
	err = ledger.ExportLog(w.Keys, w.Policy, store, func(name string, data []byte) error {
		files[name] = bytes.Clone(data)
		return nil
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if log, err := ledger.VerifyLog(w.Policy, fetchFrom(files)); err != nil || log.Leaves != size {
		t.Errorf("%+v, %v", log, err)
	}
	// A quorum can cosign a head of another history, which the log's key has signed too.
	signer, err := note.NewSigner(w.Keys.LogSigner)
	if err != nil {
		t.Fatal(err)
	}
	forked, err := note.Sign(&note.Note{Text: fmt.Sprintf("%s\n%d\n%s\n", ledgertest.Origin, size, tlog.Hash{1})}, signer)
	if err != nil {
		t.Fatal(err)
	}
	x := &exported{w: w, parts: partsOf(t, archive)}
	at := slices.IndexFunc(x.parts, func(p part) bool { return p.name == "cosigned" })
	wantFault(t, x.judge(t, x.with(at, cosignNote(forked, by[0], by[1]))), int(size))
	if _, err := restoreFrom(filesOf(unwatched, w.Keys), ledger.Restore{Policy: w.Policy, Keys: w.Keys}); err == nil {
		t.Error("no witness cosigned anything in it, and it passes under their policy")
	}
	if err := ledger.ExportLog(w.Keys, w.Policy, ledgertest.NewMemory(), nil, nil); err == nil {
		t.Error("exported a log that no witness has seen")
	}
}

func TestRestoreRefuses(t *testing.T) {
	w, store, _, _ := toldStory(t)
	archive := archiveOf(t, w.Keys, store)
	other := ledgertest.NewWorld(t)
	policy, err := ledger.ParsePolicy(other.Keys.Policy())
	if err != nil {
		t.Fatal(err)
	}
	salt := *w.Keys
	salt.Salt = other.Keys.Salt
	log := *w.Keys
	log.LogSigner, log.LogVerifier = other.Keys.LogSigner, other.Keys.LogVerifier
	for name, r := range map[string]ledger.Restore{
		"into a ledger":                {Keys: w.Keys, Store: store},
		"with other keys":              {Keys: other.Keys},
		"with another log key":         {Keys: &log},
		"with another salt":            {Keys: &salt},
		"under another policy":         {Keys: w.Keys, Policy: policy},
		"without keys, another policy": {Policy: policy},
		"with neither":                 {},
	} {
		if found, err := restoreFrom(filesOf(archive, nil), r); err == nil {
			t.Errorf("%s: %+v", name, found)
		}
	}
	failing := ledgertest.NewFaulty(ledgertest.NewMemory(), ledgertest.OpAppend, 1, false)
	if _, err := restoreFrom(filesOf(archive, w.Keys), ledger.Restore{Keys: w.Keys, Store: failing}); !errors.Is(err, ledgertest.ErrInjected) {
		t.Errorf("a store that fails: %v", err)
	}
}
