package ledger_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"aval/domain"
	"aval/ledger"
	"aval/ledger/ledgertest"
)

// watched is a ledger whose policy asks for two of three witnesses.
func watched(t testing.TB) (*ledgertest.World, []cosigner) {
	t.Helper()
	w := ledgertest.NewWorld(t)
	lines, all := four(t)
	var err error
	w.Policy, err = ledger.ParsePolicy([]byte("log " + w.Keys.LogVerifier + "\n" + lines + "group g 2 w0 w1 w2\nquorum g\n"))
	if err != nil {
		t.Fatal(err)
	}
	return w, all
}

// cosign gives the newest signed head with cosignatures.
func cosign(n *ledgertest.Node, by ...cosigner) []byte {
	_, signed := n.Signed()
	return cosignNote(signed, by...)
}

func cosignNote(signed []byte, by ...cosigner) []byte {
	body, _, _ := bytes.Cut(signed, []byte("\n\n"))
	all := bytes.Clone(signed)
	for _, c := range by {
		all = append(all, c.line(string(body)+"\n", firstTime)...)
	}
	return all
}

func TestPublishesWhatAQuorumCosigned(t *testing.T) {
	w, by := watched(t)
	store := ledgertest.NewMemory()
	n := w.MustStart(store)
	if _, err := n.Checkpoint(); err == nil {
		t.Error("a head is published before the ledger was opened with one")
	}
	first := cosign(n, by[0], by[1])
	if err := n.Cosign(first); err != nil {
		t.Fatal(err)
	}
	acme := n.Register("acme")
	reply := n.MustSubmit(w.Command(acme, domain.CashKind, "till", "issue", ledgertest.Order{To: "acme", Amount: usd(5)}))
	if published, err := n.Checkpoint(); err != nil || !bytes.Equal(published, first) {
		t.Errorf("published %q, %v", published, err)
	}
	if _, err := ledger.OpenReceipt(n.Policy(), []byte(reply.Receipt)); err == nil {
		t.Error("a receipt beyond the cosigned head passes under the quorum")
	}
	own, err := ledger.ParsePolicy(w.Keys.Policy())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ledger.OpenReceipt(own, []byte(reply.Receipt)); err != nil {
		t.Errorf("under the log's key alone: %v", err)
	}
	second := cosign(n, by[2], by[1], by[3])
	if err := n.Cosign(second); err != nil {
		t.Fatal(err)
	}
	receipt, err := n.Receipt(t.Context(), "acme", reply.Index)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ledger.OpenReceipt(n.Policy(), receipt); err != nil {
		t.Errorf("the receipt under the quorum: %v", err)
	}
	if c, err := ledger.ReceiptCheckpoint(n.Policy(), receipt); err != nil || len(c.Cosignatures) != 3 || c.Cosignatures[0] != (ledger.Cosignature{Witness: "w2", At: firstTime}) {
		t.Errorf("%+v, %v", c, err)
	}
	// More signatures on the same head are taken, an earlier head is not.
	if err := n.Cosign(cosign(n, by...)); err != nil {
		t.Error(err)
	}
	if err := n.Cosign(first); err == nil {
		t.Error("published an earlier head")
	}
	if err := n.Stop(); err != nil {
		t.Fatal(err)
	}
	again := w.MustStart(store)
	if published, err := again.Checkpoint(); err != nil || !bytes.Equal(published, cosign(again, by...)) {
		t.Errorf("after a restart %q, %v", published, err)
	}
	if report := w.MustVerify(store); report.Cosigned != report.Leaves {
		t.Errorf("%d of %d leaves", report.Cosigned, report.Leaves)
	}
}

// What is published never moves without a quorum: while there is none it is the head that
// the ledger was opened with.
func TestPublishesNothingNewWithoutAQuorum(t *testing.T) {
	w, by := watched(t)
	store := ledgertest.NewMemory()
	n := w.MustStart(store)
	n.Register("acme")
	if err := n.Stop(); err != nil {
		t.Fatal(err)
	}
	n = w.MustStart(store)
	_, opened := n.Signed()
	n.Register("globex")
	if published, err := n.Checkpoint(); err != nil || !bytes.Equal(published, opened) {
		t.Errorf("published %q, %v", published, err)
	}
	for name, bad := range map[string][]byte{
		"one witness":      cosign(n, by[0]),
		"outside a group":  cosign(n, by[0], by[3]),
		"the log alone":    cosign(n),
		"another head":     cosignNote([]byte(newHead(t, ledgertest.Origin, 3).signed), by...),
		"no note":          []byte("abc"),
		"of nothing":       nil,
		"a forged history": forged(t, w, 4, by),
		"a longer history": forged(t, w, 400, by),
	} {
		if err := n.Cosign(bad); err == nil {
			t.Errorf("%s: published", name)
		}
	}
	if published, err := n.Checkpoint(); err != nil || !bytes.Equal(published, opened) || n.CosignedSize() != 0 {
		t.Errorf("then published %q, %v", published, err)
	}
}

// forged is a head that the log's own key signed over another history.
func forged(t testing.TB, w *ledgertest.World, size uint64, by []cosigner) []byte {
	t.Helper()
	signer, err := note.NewSigner(w.Keys.LogSigner)
	if err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf("%s\n%d\n%s\n", ledgertest.Origin, size, tlog.RecordHash([]byte("another history")))
	signed, err := note.Sign(&note.Note{Text: text}, signer)
	if err != nil {
		t.Fatal(err)
	}
	return cosignNote(signed, by...)
}

func TestContradicted(t *testing.T) {
	w, by := watched(t)
	n := w.MustStart(ledgertest.NewMemory())
	_, early := n.Signed()
	n.Register("acme")
	for name, c := range map[string]struct {
		held      []byte
		want, bad bool
	}{
		"the newest head":                 {held: cosign(n)},
		"an earlier head, cosigned":       {held: cosignNote(early, by...)},
		"a longer log":                    {held: forged(t, w, 400, nil), want: true},
		"another root":                    {held: forged(t, w, 3, by[:1]), want: true},
		"signed by another key":           {held: []byte(newHead(t, ledgertest.Origin, 400).signed), bad: true},
		"of another log":                  {held: []byte(newHead(t, "log.test/other", 400).signed), bad: true},
		"cosigned only":                   {held: []byte(newHead(t, "x", 1).body + "\n" + by[0].line(newHead(t, "x", 1).body, 1)), bad: true},
		"nothing":                         {bad: true},
		"a signature for another history": {held: bytes.Replace(cosign(n), []byte("\n4\n"), []byte("\n5\n"), 1), bad: true},
	} {
		if got, err := n.Contradicted(c.held); got != c.want || (err != nil) != c.bad {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

func TestConsistency(t *testing.T) {
	w, _ := watched(t)
	n := w.MustStart(ledgertest.NewMemory())
	roots := map[uint64]tlog.Hash{}
	heads := []uint64{}
	for i := range 40 {
		if i > 0 {
			n.Register(domain.PartyID(fmt.Sprintf("party-%d", i)))
		}
		size, signed := n.Signed()
		c, err := ledger.OpenCheckpoint(n.Policy(), cosignNote(signed, newCosigner("witness.test/0"), newCosigner("witness.test/1")))
		if err != nil {
			t.Fatal(err)
		}
		roots[size] = tlog.Hash(c.Hash)
		heads = append(heads, size)
	}
	for _, size := range heads {
		for _, old := range heads {
			proof, err := n.Consistency(old, size)
			if old > size {
				if err == nil {
					t.Errorf("from %d back to %d", old, size)
				}
				continue
			}
			if err == nil {
				err = tlog.CheckTree(proof, int64(size), roots[size], int64(old), roots[old])
			}
			if err != nil || old == size && len(proof) > 0 {
				t.Errorf("from %d to %d: %v", old, size, err)
			}
		}
	}
	last := heads[len(heads)-1]
	if proof, err := n.Consistency(0, last); err != nil || len(proof) > 0 {
		t.Errorf("from nothing: %v, %v", proof, err)
	}
	if _, err := n.Consistency(1, last+1); err == nil {
		t.Error("beyond the end")
	}
}

func TestWaitForWitnesses(t *testing.T) {
	w, by := watched(t)
	n := w.MustStart(ledgertest.NewMemory())
	acme := n.Register("acme")
	command := w.Command(acme, domain.CashKind, "till", "issue", ledgertest.Order{To: "acme", Amount: usd(5)})
	ctx, cancel := context.WithCancel(t.Context())
	type answer struct {
		reply ledger.Reply
		err   error
	}
	answered := make(chan answer, 1)
	changed := n.Changed()
	go func() {
		r, err := n.Submit(ctx, ledger.CommandFormat, command, ledger.ForWitnessed)
		answered <- answer{r, err}
	}()
	<-changed // committed
	select {
	case a := <-answered:
		t.Fatalf("answered before the witnesses did: %+v", a)
	case <-time.After(10 * time.Millisecond):
	}
	if err := n.Cosign(cosign(n, by[0], by[1])); err != nil {
		t.Fatal(err)
	}
	a := <-answered
	if a.err != nil || !a.reply.Witnessed {
		t.Fatalf("%+v", a)
	}
	if _, err := ledger.OpenReceipt(n.Policy(), []byte(a.reply.Receipt)); err != nil {
		t.Error(err)
	}
	// Without them the command is committed all the same, and that is said.
	changed = n.Changed()
	go func() {
		r, err := n.Submit(ctx, ledger.CommandFormat, w.Command(acme, domain.CashKind, "till-2", "issue", ledgertest.Order{To: "acme", Amount: usd(5)}), ledger.ForWitnessed)
		answered <- answer{r, err}
	}()
	<-changed
	time.AfterFunc(10*time.Millisecond, cancel)
	if a := <-answered; a.err == nil && (a.reply.Witnessed || a.reply.Receipt == "") || a.err != nil && !errors.Is(a.err, context.Canceled) {
		t.Errorf("%+v", a)
	}
	plain := ledgertest.NewWorld(t)
	m := plain.MustStart(ledgertest.NewMemory())
	size := m.Size()
	var refusal *domain.Rejection
	_, err := m.Submit(t.Context(), ledger.CommandFormat, plain.Command(plain.Member, domain.GovernanceKind, "registry", "register", ledgertest.Registration{}), ledger.ForWitnessed)
	if !errors.As(err, &refusal) || refusal.Code != domain.Malformed || m.Size() != size {
		t.Errorf("without witnesses: %v", err)
	}
}

// TestPutCosignedFails fails the write of a cosigned head before and after its effect: what is
// published stays, the same head can be handed in again, and a restart finds one of the two.
func TestPutCosignedFails(t *testing.T) {
	for name, kept := range map[string]bool{"lost": false, "kept": true} {
		w, by := watched(t)
		inner := ledgertest.NewMemory()
		n := w.MustStart(ledgertest.NewFaulty(inner, ledgertest.OpPutCosigned, 2, kept))
		first := cosign(n, by[0], by[1])
		if err := n.Cosign(first); err != nil {
			t.Fatal(err)
		}
		n.Register("acme")
		second := cosign(n, by[0], by[2])
		if err := n.Cosign(second); !errors.Is(err, ledgertest.ErrInjected) {
			t.Fatalf("%s: %v", name, err)
		}
		if published, err := n.Checkpoint(); err != nil || !bytes.Equal(published, first) {
			t.Errorf("%s: published %q, %v", name, published, err)
		}
		n.Register("globex") // commits go on
		if err := n.Stop(); err != nil {
			t.Fatal(err)
		}
		again := w.MustStart(inner)
		want := map[bool][]byte{false: first, true: second}[kept]
		if published, err := again.Checkpoint(); err != nil || !bytes.Equal(published, want) {
			t.Errorf("%s: after a restart %q, %v", name, published, err)
		}
		if err := again.Cosign(second); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		w.MustVerify(inner)
	}
}

// The stored head is sealed: no bit of it can be changed unseen, nor can it be kept for another size.
func TestStoredCosignedHeadIsSealed(t *testing.T) {
	w, by := watched(t)
	store := ledgertest.NewMemory()
	n := w.MustStart(store)
	n.Register("acme")
	if err := n.Cosign(cosign(n, by[0], by[1])); err != nil {
		t.Fatal(err)
	}
	if err := n.Stop(); err != nil {
		t.Fatal(err)
	}
	size, sealed, err := store.Cosigned()
	if err != nil || bytes.Contains(sealed, []byte("witness.test")) {
		t.Fatalf("%d, %q, %v", size, sealed, err)
	}
	for i := range sealed {
		changed := bytes.Clone(sealed)
		changed[i] ^= 1
		refused(t, w, store, size, changed)
	}
	refused(t, w, store, size+1, sealed)
	if err := store.PutCosigned(size, sealed); err == nil {
		t.Error("fewer leaves were stored over more")
	}
}

func refused(t *testing.T, w *ledgertest.World, store *ledgertest.Memory, size uint64, sealed []byte) {
	t.Helper()
	if err := store.PutCosigned(size, sealed); err != nil {
		t.Fatal(err)
	}
	if n, err := w.Start(store); err == nil {
		n.Stop()
		t.Error("opens with a changed cosigned head")
	}
	if _, err := ledger.Verify(w.Keys, store, ledgertest.Contracts(), ledgertest.Codecs()); err == nil {
		t.Error("verifies with a changed cosigned head")
	}
}

// Another policy does not take what the former witnesses cosigned for its own, and a policy of
// another log is refused.
func TestExchangedWitnesses(t *testing.T) {
	w, by := watched(t)
	store := ledgertest.NewMemory()
	n := w.MustStart(store)
	if err := n.Cosign(cosign(n, by[0], by[1])); err != nil {
		t.Fatal(err)
	}
	if err := n.Stop(); err != nil {
		t.Fatal(err)
	}
	other := newCosigner("witness.test/new")
	var err error
	if w.Policy, err = ledger.ParsePolicy([]byte("log " + w.Keys.LogVerifier + "\nwitness n " + other.vkey() + "\nquorum n\n")); err != nil {
		t.Fatal(err)
	}
	n = w.MustStart(store)
	if _, signed := n.Signed(); n.CosignedSize() != 0 {
		t.Error("counts the cosignatures of former witnesses")
	} else if published, err := n.Checkpoint(); err != nil || !bytes.Equal(published, signed) {
		t.Errorf("published %q, %v", published, err)
	}
	if err := n.Cosign(cosign(n, other)); err != nil {
		t.Error(err)
	}
	if err := n.Stop(); err != nil {
		t.Fatal(err)
	}
	stranger := ledgertest.NewWorld(t)
	if w.Policy, err = ledger.ParsePolicy(stranger.Keys.Policy()); err != nil {
		t.Fatal(err)
	}
	if n, err := w.Start(store); err == nil {
		n.Stop()
		t.Error("opens under the policy of another key")
	}
}
