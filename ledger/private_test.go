package ledger_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"aval/domain"
	"aval/domain/envelope"
	"aval/ledger"
	"aval/ledger/ledgertest"
	"aval/ledger/sqlite"
)

const privateCanary = "Eleonora-Canary-Vespucci"

// privately is a ledger with a private person "rosa", in real files.
type privately struct {
	*ledgertest.Node
	dir        string
	path       string
	bank, rosa *envelope.Signer
	acme, mute *envelope.Signer
}

func newPrivately(t *testing.T) *privately {
	t.Helper()
	dir := t.TempDir()
	p := &privately{dir: dir, path: filepath.Join(dir, "ledger.db")}
	store, err := sqlite.Create(p.path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	p.Node = ledgertest.NewWorld(t).MustStart(store)
	p.bank, p.rosa, p.acme, p.mute = p.Register("bank"), p.Register("rosa"), p.Register("acme"), p.Register("mute", domain.RoleAuditor)
	p.MustSubmit(p.World.Command(p.bank, domain.CashKind, "i", "issue", ledgertest.Order{To: "rosa", Amount: usd(1000)}))
	return p
}

func about(subject domain.PartyID, text string, readers ...domain.PartyID) envelope.Value {
	return envelope.Value{Subject: subject, Readers: readers, Name: "passenger", Value: []byte(`"` + text + `"`)}
}

func (p *privately) issue(values ...envelope.Value) []byte {
	return p.World.PrivateCommand(p.bank, domain.CashKind, "i", "issue", ledgertest.Order{To: "rosa", Amount: usd(1)}, values...)
}

func digests(t *testing.T, raw []byte) (all []string) {
	t.Helper()
	_, disclosures, err := envelope.Split(raw)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range disclosures {
		all = append(all, envelope.Digest(d))
	}
	return all
}

// Sender, subject and named readers read the value; all others hear what they hear of a
// digest that does not exist, auditors too.
func TestPrivateReaders(t *testing.T) {
	p := newPrivately(t)
	raw := p.issue(about("rosa", privateCanary, "acme"), about("rosa", "for nobody else"))
	r := p.MustSubmit(raw)
	names := digests(t, raw)
	for _, viewer := range []domain.PartyID{"bank", "rosa", "acme"} {
		got, err := p.Private(viewer, names[0])
		if err != nil || got.Index != r.Index || got.Subject != "rosa" || got.Name != "passenger" || string(got.Value) != `"`+privateCanary+`"` ||
			envelope.Digest([]byte(got.Disclosure)) != names[0] {
			t.Errorf("%s: %+v, %v", viewer, got, err)
		}
	}
	_, absent := p.Private("acme", envelope.Digest([]byte("nothing")))
	for _, viewer := range []domain.PartyID{"", "mute", "member", "nobody"} {
		if _, err := p.Private(viewer, names[0]); !isNotFound(err) || err.Error() != absent.Error() {
			t.Errorf("%q: %v", viewer, err)
		}
	}
	if _, err := p.Private("acme", names[1]); !isNotFound(err) {
		t.Errorf("a reader of the other value: %v", err)
	}
	p.World.MustVerify(p.Store)
}

func isNotFound(err error) bool { return isCode(err, domain.NotFound) }

func isCode(err error, code domain.Code) bool {
	var refused *domain.Rejection
	return errors.As(err, &refused) && refused.Code == code
}

// Each view shows the digests that its holder may read, and the receipt proves them.
func TestPrivateInReceipts(t *testing.T) {
	p := newPrivately(t)
	raw := p.issue(about("rosa", "first", "acme"), about("rosa", "second"), about("acme", "third"))
	r, names := p.MustSubmit(raw), digests(t, raw)
	for viewer, want := range map[domain.PartyID][]string{"bank": names, "rosa": names[:2], "acme": {names[0], names[2]}} {
		receipt, err := p.Receipt(t.Context(), viewer, r.Index)
		if err != nil {
			t.Fatal(viewer, err)
		}
		d, err := ledger.OpenReceipt(p.Policy(), receipt)
		if err != nil || len(d.Private) != len(want) {
			t.Fatalf("%s: %+v, %v", viewer, d.Private, err)
		}
		for i, digest := range want {
			if d.Private[i].Digest != digest {
				t.Errorf("%s: private/%d is %s, want %s", viewer, i, d.Private[i].Digest, digest)
			}
		}
		part, err := ledger.Disclose(receipt, []string{"private/0"})
		if err != nil {
			t.Fatal(viewer, err)
		}
		if d, err = ledger.OpenReceipt(p.Policy(), part); err != nil || len(d.Private) != 1 || d.Private[0].Digest != want[0] || len(d.Events) > 0 {
			t.Errorf("%s: part %+v, %v", viewer, d, err)
		}
	}
	whole, err := p.Receipt(t.Context(), "mute", r.Index)
	if err != nil {
		t.Fatal(err)
	}
	if d, err := ledger.OpenReceipt(p.Policy(), whole); err != nil || len(d.Private) != 3 {
		t.Errorf("auditor: %+v, %v", d.Private, err)
	}
	page, err := p.Feed("acme", ledger.FeedFilter{})
	if err != nil || len(page.Entries) == 0 || len(page.Entries[len(page.Entries)-1].Private) != 2 {
		t.Errorf("feed: %+v, %v", page, err)
	}
}

// Admission wants exactly the disclosures that the signed text names; nothing of it reaches the log.
func TestPrivateAdmission(t *testing.T) {
	p := newPrivately(t)
	raw := p.issue(about("rosa", "one"), about("rosa", "two"))
	jws, d, err := envelope.Split(raw)
	if err != nil {
		t.Fatal(err)
	}
	_, other, _ := envelope.Split(p.issue(about("rosa", "three")))
	size := p.Size()
	for name, c := range map[string]struct {
		raw  []byte
		code domain.Code
	}{
		"missing all": {jws, domain.PrivateMismatch},
		"missing one": {envelope.Join(jws, d[0]), domain.PrivateMismatch},
		"extra":       {envelope.Join(jws, d[0], d[1], other[0]), domain.PrivateMismatch},
		"another":     {envelope.Join(jws, d[0], other[0]), domain.PrivateMismatch},
		"twice":       {envelope.Join(jws, d[0], d[0]), domain.PrivateMismatch},
		"exchanged":   {envelope.Join(jws, d[1], d[0]), domain.PrivateMismatch},
		"no end":      {bytes.TrimSuffix(raw, []byte("~")), domain.Malformed},
		"empty one":   {envelope.Join(jws, d[0], nil), domain.PrivateMismatch},
	} {
		if _, err := p.Submit(t.Context(), ledger.CommandFormat, c.raw, ledger.ForReceipt); !isCode(err, c.code) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if p.Size() != size {
		t.Error("a refused submission left a trace")
	}
	first := p.MustSubmit(raw)
	again := p.MustSubmit(raw)
	if !again.Duplicate || again.Index != first.Index {
		t.Errorf("the same submission again: %+v", again)
	}
	p.World.MustVerify(p.Store)
}

// Execution refuses what names parties that are not there; a refused command keeps nothing.
func TestPrivateExecution(t *testing.T) {
	p := newPrivately(t)
	for name, c := range map[string]struct {
		raw  []byte
		code domain.Code
	}{
		"subject": {p.issue(about("ghost", "x")), domain.UnknownSubject},
		"reader":  {p.issue(about("rosa", "x", "ghost")), domain.UnknownSubject},
		"overdraft": {p.World.PrivateCommand(p.rosa, domain.CashKind, "t", "transfer", ledgertest.Order{To: "bank", Amount: usd(1 << 40)},
			about("rosa", "x")), domain.InsufficientFunds},
	} {
		r, err := p.Submit(t.Context(), ledger.CommandFormat, c.raw, ledger.ForReceipt)
		if err != nil || r.Code != c.code {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
		if _, err := p.Private("bank", digests(t, c.raw)[0]); !isNotFound(err) {
			t.Errorf("%s: a value of a refused command was kept: %v", name, err)
		}
	}
	p.World.MustVerify(p.Store)
}

// After an erase nobody reads, every proof still verifies, and no file keeps value or key.
func TestErase(t *testing.T) {
	p := newPrivately(t)
	raw, kept := p.issue(about("rosa", privateCanary, "acme")), p.issue(about("acme", "stays"))
	first := p.MustSubmit(raw)
	p.MustSubmit(kept)
	var sealed [][]byte
	for _, s := range subjects(t, p.Store) {
		sealed = append(sealed, s.Key)
	}
	if len(sealed) != 2 {
		t.Fatalf("%d keys of subjects, want 2", len(sealed))
	}
	if len(inFiles(t, p.dir, sealed[0]))+len(inFiles(t, p.dir, sealed[1])) < 2 {
		t.Fatal("the keys are in no file: the test looks in the wrong place")
	}
	p.Erase("rosa")
	name := digests(t, raw)[0]
	for _, viewer := range []domain.PartyID{"bank", "rosa", "acme"} {
		if _, err := p.Private(viewer, name); !isNotFound(err) {
			t.Errorf("%s after the erase: %v", viewer, err)
		}
	}
	if got, err := p.Private("bank", digests(t, kept)[0]); err != nil || string(got.Value) != `"stays"` {
		t.Errorf("another subject's value: %+v, %v", got, err)
	}
	left := subjects(t, p.Store)
	if len(left) != 1 {
		t.Fatalf("%d keys left", len(left))
	}
	for _, key := range sealed {
		found := inFiles(t, p.dir, key)
		if gone := !bytes.Equal(key, left[0].Key); gone == (len(found) > 0) {
			t.Errorf("key, erased %v: in %v", gone, found)
		}
	}
	r, err := p.Submit(t.Context(), ledger.CommandFormat, p.issue(about("rosa", "again")), ledger.ForReceipt)
	if err != nil || r.Code != domain.Erased {
		t.Errorf("a new value about the erased party: %+v, %v", r, err)
	}
	if again := p.MustSubmit(raw); !again.Duplicate || again.Index != first.Index {
		t.Errorf("the old submission again: %+v", again)
	}
	if d, err := ledger.OpenReceipt(p.Policy(), []byte(first.Receipt)); err != nil || d.Private[0].Digest != name {
		t.Errorf("the receipt from before: %+v, %v", d, err)
	}
	p.World.MustVerify(p.Store)
}

func subjects(t *testing.T, a ledger.Archive) (all []ledger.StoredSubject) {
	t.Helper()
	err := a.Subjects(func(s ledger.StoredSubject) error {
		all = append(all, s)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// inFiles names the files of a folder that hold these bytes.
func inFiles(t *testing.T, dir string, secret []byte) (found []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		if bytes.Contains(content, secret) {
			found = append(found, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// A value and the erase of its subject in one batch: the value is never written. And what another
// node hands over without its values, or with others, leaves no trace and disturbs nobody.
func TestPrivateInOneBatch(t *testing.T) {
	h := newHand(t)
	command := func(raw []byte) ledger.Item { return ledger.Item{Format: ledger.CommandFormat, Raw: raw} }
	registry := func(r ledgertest.Registration, values ...envelope.Value) []byte {
		return h.w.PrivateCommand(h.w.Member, domain.GovernanceKind, "registry", "register", r, values...)
	}
	h.cut(t, 1, command(registry(ledgertest.Registration{Party: &domain.Party{ID: "rosa"}})))
	said := registry(ledgertest.Registration{}, about("rosa", "said and erased"), about("acme", "said"))
	h.cut(t, 1, command(said), command(registry(ledgertest.Registration{Party: &domain.Party{ID: "rosa", Erased: 1}})))
	names := digests(t, said)
	if _, err := h.Private("member", names[0]); !isNotFound(err) {
		t.Errorf("a value about a party that the batch erased: %v", err)
	}
	if got, err := h.Private("acme", names[1]); err != nil || string(got.Value) != `"said"` {
		t.Errorf("the value beside it: %+v, %v", got, err)
	}
	if keys := subjects(t, h.store); len(keys) != 1 {
		t.Errorf("%d keys of subjects", len(keys))
	}
	h.w.MustVerify(h.store)
	lost := registry(ledgertest.Registration{}, about("acme", "lost on the way"))
	jws, _, err := envelope.Split(lost)
	if err != nil {
		t.Fatal(err)
	}
	_, other, _ := envelope.Split(said)
	size := h.Size()
	h.cut(t, 1, command(jws), command(envelope.Join(jws, other[1])))
	if h.Size() != size {
		t.Error("a command without its values was committed")
	}
	h.cut(t, 1, command(lost))
	if got, err := h.Private("acme", digests(t, lost)[0]); err != nil || string(got.Value) != `"lost on the way"` {
		t.Errorf("sent again with its value: %+v, %v", got, err)
	}
}

// Values sealed before a new key of the ledger are read after it.
func TestPrivateAfterRotation(t *testing.T) {
	w, store := ledgertest.NewWorld(t), ledgertest.NewMemory()
	n := w.MustStart(store)
	n.Register("rosa")
	say := func() string {
		raw := w.PrivateCommand(w.Member, domain.GovernanceKind, "registry", "register", ledgertest.Registration{}, about("rosa", "x"))
		n.MustSubmit(raw)
		return digests(t, raw)[0]
	}
	before := say()
	if err := n.Stop(); err != nil {
		t.Fatal(err)
	}
	w.Keys.Epochs = append(w.Keys.Epochs, ledger.Epoch{Number: 2, Key: bytes.Repeat([]byte{9}, 32)})
	n = w.MustStart(store)
	for _, digest := range []string{before, say()} {
		if _, err := n.Private("rosa", digest); err != nil {
			t.Error(err)
		}
	}
	w.MustVerify(store)
}
