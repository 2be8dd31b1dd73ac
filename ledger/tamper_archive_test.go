package ledger_test

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"

	"aval/domain"
	"aval/ledger"
	"aval/ledger/backup"
	"aval/ledger/ledgertest"
)

// part is one file of an export.
type part struct {
	name string
	data []byte
}

// exported is a ledger with several bundles in both forms, and an older archive of it.
type exported struct {
	w          *ledgertest.World
	policy     ledger.Policy
	size       uint64
	parts, old []part
	public     map[string][]byte
}

func export(t *testing.T) *exported {
	t.Helper()
	w, store := ledgertest.NewWorld(t), ledgertest.NewMemory()
	n := w.MustStart(store)
	grow(t, n, 300)
	x := &exported{w: w, policy: n.Policy(), old: partsOf(t, archiveOf(t, w.Keys, store))}
	acme := n.Register("late")
	n.Register("rosa")
	for _, subject := range []domain.PartyID{"rosa", "late"} {
		n.MustSubmit(w.PrivateCommand(acme, domain.GovernanceKind, "registry", "register", ledgertest.Registration{}, about(subject, "one"), about("late", "two")))
	}
	n.Erase("rosa")
	for n.Size() < 530 {
		n.MustSubmit(w.Command(acme, domain.GovernanceKind, "registry", "register", ledgertest.Registration{}))
	}
	if err := n.Quarantine(t.Context(), domain.Malformed, []byte("message")); err != nil {
		t.Fatal(err)
	}
	if err := n.Stop(); err != nil {
		t.Fatal(err)
	}
	x.size, x.parts, x.public = n.Size(), partsOf(t, archiveOf(t, w.Keys, store)), publish(t, n)
	return x
}

func partsOf(t *testing.T, archive []byte) (all []part) {
	t.Helper()
	next := filesOf(archive, nil)
	for {
		name, data, err := next()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, part{name, data})
	}
}

// framed makes an archive of parts, in good form and sealed by the ledger's own keys: what is
// left to find is in the parts.
func (x *exported) framed(t *testing.T, parts []part) []byte {
	t.Helper()
	var out bytes.Buffer
	w := backup.NewWriter(&out)
	for _, p := range parts {
		if err := w.Put(p.name, p.data); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(x.w.Keys.SealArchive); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// judge verifies parts with keys, in a frame that is in order.
func (x *exported) judge(t *testing.T, parts []part) error {
	t.Helper()
	_, err := restoreFrom(filesOf(x.framed(t, parts), x.w.Keys), ledger.Restore{Keys: x.w.Keys})
	return err
}

// with is a copy of the parts in which one was changed.
func (x *exported) with(at int, data []byte) []part {
	parts := slices.Clone(x.parts)
	parts[at].data = data
	return parts
}

// indexes is where a fault in a file can be: the leaves it holds, and the place after them.
func (x *exported) indexes(name string) (from, to uint64) {
	number := func(text string) uint64 {
		n, err := strconv.ParseUint(strings.TrimPrefix(strings.Split(text, ".")[0], "0"), 10, 64)
		if err != nil {
			return 0
		}
		return n
	}
	switch dir, rest, _ := strings.Cut(name, "/"); {
	case strings.HasPrefix(name, "tile/0/"), strings.HasPrefix(name, "tile/entries/"):
		n := number(strings.Split(name, "/")[2])
		return n * 256, min(n*256+256, x.size)
	case dir == "bodies":
		n := number(rest)
		return n, min(n+256, x.size)
	case name == "checkpoint":
		return 0, 0
	}
	return 0, x.size
}

// One bit of any file of an archive, in a frame that its own keys have sealed: at the
// beginning, the middle and the end of the file.
func TestArchiveParts(t *testing.T) {
	x := export(t)
	if err := x.judge(t, x.parts); err != nil {
		t.Fatalf("untouched: %v", err)
	}
	for i, p := range x.parts {
		if strings.HasPrefix(p.name, "node/") {
			continue // the caller's files: their frame alone vouches for them, see package backup
		}
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			for _, at := range []int{0, len(p.data) / 2, len(p.data) - 1} {
				data := bytes.Clone(p.data)
				data[at] ^= 1
				x.mustName(t, p.name, x.judge(t, x.with(i, data)))
			}
			x.mustName(t, p.name, x.judge(t, x.with(i, p.data[:len(p.data)-1])))
			x.mustName(t, p.name, x.judge(t, x.with(i, append(bytes.Clone(p.data), 0))))
			x.mustName(t, p.name, x.judge(t, x.with(i, nil)))
			if !strings.HasPrefix(p.name, "quarantine/") { // nothing in a ledger counts these, but the frame
				x.mustName(t, p.name, x.judge(t, slices.Delete(slices.Clone(x.parts), i, i+1)))
			}
			x.mustName(t, p.name, x.judge(t, slices.Insert(slices.Clone(x.parts), i, p)))
			renamed := x.with(i, p.data)
			renamed[i].name += "0"
			if err := x.judge(t, renamed); err == nil {
				t.Error("passes under another name")
			}
		})
	}
}

func (x *exported) mustName(t *testing.T, name string, err error) {
	t.Helper()
	var fault *ledger.Fault
	if name == ledger.ArchiveFile && err != nil || errors.Is(err, ledger.ErrNoLog) {
		return
	}
	if !errors.As(err, &fault) {
		t.Fatalf("%v, want a fault", err)
	}
	if from, to := x.indexes(name); fault.Index < from || fault.Index > to {
		t.Errorf("%v, want an index of %s: %d to %d", err, name, from, to)
	}
}

// Parts exchanged with others of their kind, or taken from an older archive of the same ledger.
func TestArchivePartsExchanged(t *testing.T) {
	x := export(t)
	find := func(parts []part, prefix string) int {
		at := slices.IndexFunc(parts, func(p part) bool { return strings.HasPrefix(p.name, prefix) })
		if at < 0 {
			t.Fatalf("no %s", prefix)
		}
		return at
	}
	for _, c := range []struct{ one, other string }{
		{"tile/0/000", "tile/0/001"}, {"tile/entries/000", "tile/entries/001"}, {"bodies/0", "bodies/256"}, {"tile/0/000", "tile/entries/000"},
	} {
		a, b := find(x.parts, c.one), find(x.parts, c.other)
		parts := x.with(a, x.parts[b].data)
		parts[b].data = x.parts[a].data
		x.mustName(t, c.one, x.judge(t, parts))
	}
	for _, name := range []string{"archive.json", "checkpoint", "tile/entries/001.p", "tile/0/001.p", "bodies/256", "tile/1"} {
		at := slices.IndexFunc(x.parts, func(p part) bool { return strings.HasPrefix(p.name, strings.TrimSuffix(name, ".p")) })
		if err := x.judge(t, x.with(at, x.old[find(x.old, name)].data)); err == nil {
			t.Errorf("%s of the older archive passes", name)
		}
	}
	// A whole older archive is true. Only a newer head, known from elsewhere, tells.
	found, err := restoreFrom(filesOf(x.framed(t, x.old), x.w.Keys), ledger.Restore{Keys: x.w.Keys, Heads: []uint64{x.size}})
	if err != nil || found.Leaves >= x.size || found.Roots[x.size] != nil {
		t.Errorf("%+v, %v", found, err)
	}
}

// Two bodies of one file exchanged: each opens at its own place only.
func TestArchiveBodiesExchanged(t *testing.T) {
	x := export(t)
	at := slices.IndexFunc(x.parts, func(p part) bool { return p.name == "bodies/0" })
	var bodies [][]byte
	for data := x.parts[at].data; len(data) > 0; {
		end := 4 + int(data[0])<<24 + int(data[1])<<16 + int(data[2])<<8 + int(data[3])
		bodies, data = append(bodies, data[:end]), data[end:]
	}
	bodies[4], bodies[6] = bodies[6], bodies[4]
	wantFault(t, x.judge(t, x.with(at, bytes.Join(bodies, nil))), 4)
}

// Every line of the checkpoint, and every 61st byte of every other file of a log that a web
// server holds. Who verifies knows the policy alone.
func TestPublicFiles(t *testing.T) {
	x := export(t)
	judge := func(name string, data []byte) error {
		_, err := ledger.VerifyLog(x.policy, func(wanted string) ([]byte, error) {
			if wanted == name {
				return data, nil
			}
			return fetchFrom(x.public)(wanted)
		})
		return err
	}
	for name, data := range x.public {
		step := 61
		if name == "checkpoint" {
			step = 1
		}
		for at := 0; at < len(data); at += step {
			changed := bytes.Clone(data)
			changed[at] ^= 1 << (at % 7)
			x.mustName(t, name, judge(name, changed))
		}
		for _, size := range []int{0, 1, len(data) / 2, len(data) - 1} {
			x.mustName(t, name, judge(name, data[:size]))
		}
		x.mustName(t, name, judge(name, append(bytes.Clone(data), data...)))
		for other := range x.public { // a file in the place of another
			if other != name {
				x.mustName(t, name, judge(name, x.public[other]))
			}
		}
	}
	if len(x.public) < 8 {
		t.Errorf("%d files only", len(x.public))
	}
}
