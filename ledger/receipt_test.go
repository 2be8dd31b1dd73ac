package ledger_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/fxamacker/cbor/v2"
	formatsnote "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"aval/domain"
	"aval/domain/canon"
	"aval/ledger"
	"aval/ledger/ledgertest"
)

// transferred is a ledger with one transfer from acme to bank, and its receipts by viewer.
func transferred(t testing.TB) (*ledgertest.Node, ledger.Reply, map[domain.PartyID]string) {
	t.Helper()
	w := ledgertest.NewWorld(t)
	n := w.MustStart(ledgertest.NewMemory())
	bank, acme := n.Register("bank", domain.RoleBank), n.Register("acme")
	n.Register("auditor", domain.RoleAuditor)
	n.Register("other")
	n.MustSubmit(w.Command(bank, domain.CashKind, "c", "issue", ledgertest.Order{To: "acme", Amount: usd(500)}))
	reply := n.MustSubmit(w.Command(acme, domain.CashKind, "c", "transfer", ledgertest.Order{To: "bank", Amount: usd(200)}))
	receipts := map[domain.PartyID]string{}
	for _, viewer := range []domain.PartyID{"acme", "bank", "auditor"} {
		receipt, err := n.Receipt(context.Background(), viewer, reply.Index)
		if err != nil {
			t.Fatal(err)
		}
		receipts[viewer] = string(receipt)
	}
	return n, reply, receipts
}

func TestReceiptShowsEachViewerItsOwn(t *testing.T) {
	n, reply, receipts := transferred(t)
	for viewer, receipt := range receipts {
		d, err := ledger.OpenReceipt(n.Policy(), []byte(receipt))
		if err != nil || d.Index != reply.Index || len(d.Postings) != 1 {
			t.Errorf("%s: %+v, %v", viewer, d, err)
		}
		if own := viewer != "bank"; (d.ID != "") != own || (d.Fingerprint != nil) != own {
			t.Errorf("%s: sees the sender's part: %v", viewer, d.ID)
		}
		if viewer != "auditor" && d.Viewer != viewer {
			t.Errorf("%s: made for %q", viewer, d.Viewer)
		}
	}
	for _, viewer := range []domain.PartyID{"other", "nobody", "member", ""} {
		if receipt, err := n.Receipt(context.Background(), viewer, reply.Index); err == nil {
			t.Errorf("%q: got a receipt: %s", viewer, receipt)
		}
	}
	for _, index := range []uint64{reply.Index + 1, n.Size(), 1 << 60} {
		var refusal *domain.Rejection
		if _, err := n.Receipt(context.Background(), "auditor", index); !errors.As(err, &refusal) || refusal.Code != domain.NotFound {
			t.Errorf("index %d: %v, want not found", index, err)
		}
	}
}

// Nobody without a name sees anything, whatever a caller forgot to check.
func TestNobodySeesNothing(t *testing.T) {
	n, reply, _ := transferred(t)
	if accounts, err := n.Accounts(""); len(accounts) != 0 || err != nil {
		t.Errorf("accounts %v, %v", accounts, err)
	}
	if feed, err := n.Feed("", ledger.FeedFilter{}); len(feed.Entries) != 0 || err != nil {
		t.Errorf("feed %v, %v", feed, err)
	}
	if page, err := n.Records("", ledger.RecordFilter{}); len(page.Records) != 0 || err == nil {
		t.Errorf("records %v, %v", page, err)
	}
	if record, err := n.Record("", "governance:1:party:acme"); err == nil {
		t.Errorf("record %v", record)
	}
	if got, err := n.Status("", reply.ID); err == nil {
		t.Errorf("status %v", got)
	}
}

// proofFile is a .tlog-proof taken apart by hand.
type proofFile struct {
	extra      []byte
	index      int64
	hashes     []tlog.Hash
	checkpoint string
}

func takeApart(t *testing.T, receipt string) proofFile {
	t.Helper()
	head, checkpoint, ok := strings.Cut(receipt, "\n\n")
	lines := strings.Split(head, "\n")
	if !ok || len(lines) < 3 || lines[0] != "c2sp.org/tlog-proof@v1" {
		t.Fatalf("not a tlog-proof: %q", receipt)
	}
	p := proofFile{checkpoint: checkpoint}
	var err error
	if p.extra, err = base64.StdEncoding.DecodeString(strings.TrimPrefix(lines[1], "extra ")); err != nil {
		t.Fatal(err)
	}
	if p.index, err = strconv.ParseInt(strings.TrimPrefix(lines[2], "index "), 10, 64); err != nil {
		t.Fatal(err)
	}
	for _, line := range lines[3:] {
		h, err := tlog.ParseHash(line)
		if err != nil {
			t.Fatal(err)
		}
		p.hashes = append(p.hashes, h)
	}
	return p
}

// A stranger needs golang.org/x/mod and a CBOR reader, nothing of ours.
func TestReceiptVerifiesWithXModAlone(t *testing.T) {
	n, _, receipts := transferred(t)
	verifier, err := note.NewVerifier(n.World.Keys.LogVerifier)
	if err != nil {
		t.Fatal(err)
	}
	for viewer, receipt := range receipts {
		p := takeApart(t, receipt)
		opened, err := note.Open([]byte(p.checkpoint), note.VerifierList(verifier))
		if err != nil {
			t.Fatalf("%s: %v", viewer, err)
		}
		lines := strings.Split(opened.Text, "\n")
		size, sizeErr := strconv.ParseInt(lines[1], 10, 64)
		root, rootErr := tlog.ParseHash(lines[2])
		if lines[0] != ledgertest.Origin || sizeErr != nil || rootErr != nil {
			t.Fatalf("checkpoint %q", opened.Text)
		}
		var extra struct {
			Leaf   []byte `cbor:"leaf"`
			Fields []struct {
				Path  string `cbor:"path"`
				Salt  []byte `cbor:"salt"`
				Value []byte `cbor:"value"`
			} `cbor:"fields"`
			N     int64    `cbor:"n"`
			Count int64    `cbor:"count"`
			Path  [][]byte `cbor:"path"`
		}
		if err := cbor.Unmarshal(p.extra, &extra); err != nil {
			t.Fatal(err)
		}
		if err := tlog.CheckRecord(p.hashes, size, root, p.index, tlog.RecordHash(extra.Leaf)); err != nil {
			t.Errorf("%s: leaf in the log: %v", viewer, err)
		}
		var leaf struct {
			Root []byte `cbor:"root"`
		}
		if err := cbor.Unmarshal(extra.Leaf, &leaf); err != nil {
			t.Fatal(err)
		}
		var path tlog.RecordProof
		for _, h := range extra.Path {
			path = append(path, tlog.Hash(h))
		}
		view := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, uint32(extra.N)), uint32(extra.Count))
		for _, f := range extra.Fields {
			commitment := sha256.Sum256(slices.Concat([]byte{2}, f.Salt, []byte{byte(len(f.Path))}, []byte(f.Path), f.Value))
			view = append(view, commitment[:]...)
		}
		if err := tlog.CheckRecord(path, extra.Count, tlog.Hash(leaf.Root), extra.N, tlog.RecordHash(view)); err != nil {
			t.Errorf("%s: view in the leaf: %v", viewer, err)
		}
	}
}

// withExtra puts other fields into the extra line.
func withExtra(t *testing.T, receipt string, change func(map[string]any)) string {
	t.Helper()
	var fields map[string]any
	p := takeApart(t, receipt)
	if err := canon.Unmarshal(p.extra, &fields); err != nil {
		t.Fatal(err)
	}
	change(fields)
	line, err := canon.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	old := base64.StdEncoding.EncodeToString(p.extra)
	return strings.Replace(receipt, old, base64.StdEncoding.EncodeToString(line), 1)
}

func TestReceiptRefusals(t *testing.T) {
	n, reply, receipts := transferred(t)
	good, bank := receipts["acme"], receipts["bank"]
	other, _, otherReceipts := transferred(t)
	set := func(field string, value any) string {
		return withExtra(t, good, func(m map[string]any) { m[field] = value })
	}
	var foreign map[string]any
	if err := canon.Unmarshal(takeApart(t, bank).extra, &foreign); err != nil {
		t.Fatal(err)
	}
	index := fmt.Sprintf("index %d\n", reply.Index)
	for name, receipt := range map[string]string{
		"empty":                     "",
		"another ledger's":          otherReceipts["acme"],
		"index of another leaf":     strings.Replace(good, index, fmt.Sprintf("index %d\n", reply.Index-1), 1),
		"index beyond the log":      strings.Replace(good, index, "index 4000\n", 1),
		"index with a leading zero": strings.Replace(good, index, fmt.Sprintf("index 0%d\n", reply.Index), 1),
		"line too many":             good + "\n",
		"no extra line":             good[:strings.Index(good, "extra ")] + good[strings.Index(good, "index "):],
		"leaf":                      set("leaf", []byte{0xa0}),
		"fields of another viewer":  set("fields", foreign["fields"]),
		"place of another view":     set("n", foreign["n"]),
		"count of another shape":    set("count", uint64(2)),
		"path of another view":      set("path", foreign["path"]),
		"no path":                   set("path", nil),
		"short hash in the path":    set("path", []any{[]byte{1}}),
		"no fields, with a place":   set("fields", nil),
		"negative place":            set("n", -1),
		"unknown field":             set("more", 1),
		"field gone":                withExtra(t, good, func(m map[string]any) { delete(m, "n") }),
		"checkpoint of another":     good[:strings.Index(good, "\n\n")] + otherReceipts["acme"][strings.Index(otherReceipts["acme"], "\n\n"):],
		"too large":                 good + strings.Repeat("\n", ledger.MaxReceiptBytes),
		"line ends of another kind": strings.ReplaceAll(good, "\n", "\r\n"),
	} {
		if d, err := ledger.OpenReceipt(n.Policy(), []byte(receipt)); !errors.Is(err, ledger.ErrReceipt) {
			t.Errorf("%s: %+v, %v", name, d, err)
		}
	}
	if _, err := ledger.OpenReceipt(other.Policy(), []byte(good)); !errors.Is(err, ledger.ErrReceipt) {
		t.Errorf("under another policy: %v", err)
	}
	if _, err := ledger.OpenReceipt(ledger.Policy{}, []byte(good)); !errors.Is(err, ledger.ErrReceipt) {
		t.Errorf("under no policy: %v", err)
	}
}

// cosignedByFirst gives a receipt with the cosignature of the first of two witnesses, and the
// lines of a policy that name the log and both. The second never signs.
func cosignedByFirst(t *testing.T, n *ledgertest.Node, receipt string) (cosigned, policy string) {
	t.Helper()
	body, checkpoint, _ := strings.Cut(receipt, "\n\n")
	verifier, err := note.NewVerifier(n.World.Keys.LogVerifier)
	if err != nil {
		t.Fatal(err)
	}
	policy = "log " + n.World.Keys.LogVerifier + "\n"
	for i := range 2 {
		name := fmt.Sprintf("w%d", i)
		secret, public, err := note.GenerateKey(rand.Reader, "witness.test/"+name)
		if err != nil {
			t.Fatal(err)
		}
		if public, err = formatsnote.VKeyToCosignatureV1(public); err != nil {
			t.Fatal(err)
		}
		policy += fmt.Sprintf("witness %s %s https://witness.test/%s\n", name, public, name)
		if i > 0 {
			continue
		}
		witness, err := formatsnote.NewSignerForCosignatureV1(secret)
		if err != nil {
			t.Fatal(err)
		}
		opened, err := note.Open([]byte(checkpoint), note.VerifierList(verifier))
		if err != nil {
			t.Fatal(err)
		}
		signed, err := note.Sign(opened, witness)
		if err != nil {
			t.Fatal(err)
		}
		cosigned = body + "\n\n" + string(signed)
	}
	return cosigned, policy
}

// A policy that asks for witnesses takes a receipt only with their cosignatures.
func TestReceiptUnderWitnesses(t *testing.T) {
	n, _, receipts := transferred(t)
	good, text := cosignedByFirst(t, n, receipts["acme"])
	for group, want := range map[string]bool{"any": true, "1": true, "2": false, "all": false} {
		policy, err := ledger.ParsePolicy([]byte(text + "group g " + group + " w0 w1\nquorum g\n"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ledger.OpenReceipt(policy, []byte(good)); (err == nil) != want {
			t.Errorf("%s of two witnesses, one signed: %v", group, err)
		}
		if _, err := ledger.OpenReceipt(policy, []byte(receipts["acme"])); err == nil {
			t.Errorf("%s of two witnesses, none signed: verifies", group)
		}
	}
	if _, err := ledger.OpenReceipt(n.Policy(), []byte(good)); err != nil {
		t.Errorf("a cosignature nobody asked for: %v", err)
	}
}

// A receipt has one text: every prefix and every flipped bit is refused.
func TestReceiptHasOneText(t *testing.T) {
	n, _, receipts := transferred(t)
	good := []byte(receipts["acme"])
	for i := range good {
		if _, err := ledger.OpenReceipt(n.Policy(), good[:i]); err == nil {
			t.Errorf("its first %d bytes verify", i)
		}
		changed := bytes.Clone(good)
		changed[i] ^= 1
		if _, err := ledger.OpenReceipt(n.Policy(), changed); err == nil {
			t.Errorf("verifies with byte %d changed: %q", i, changed[max(0, i-20):i+1])
		}
	}
}

// A view too large for the file leaves the proof without it.
func TestReceiptWithoutDisclosure(t *testing.T) {
	w := ledgertest.NewWorld(t)
	n := w.MustStart(ledgertest.NewMemory())
	for _, bytes := range []int{ledger.MaxDisclosureBytes / 2, ledger.MaxDisclosureBytes} {
		body, err := json.Marshal(map[string]any{"party": nil, "key": nil, "device": domain.Device{ID: "d", Gateway: strings.Repeat("g", bytes)}})
		if err != nil {
			t.Fatal(err)
		}
		reply := n.MustSubmit(w.Command(w.Member, domain.GovernanceKind, "registry", "register", json.RawMessage(body)))
		d, err := ledger.OpenReceipt(n.Policy(), []byte(reply.Receipt))
		if err != nil || d.Index != reply.Index || len(reply.Receipt) > ledger.MaxReceiptBytes {
			t.Errorf("%d bytes: %+v, %v, receipt of %d", bytes, d, err, len(reply.Receipt))
		}
	}
}

func TestPolicyTable(t *testing.T) {
	key := "log " + ledgertest.NewWorld(t).Keys.LogVerifier
	for name, c := range map[string]struct {
		text string
		ok   bool
	}{
		"no quorum asked":       {key + "\nquorum none\n", true},
		"comments, blank lines": {"# ours\n\n  # the log\n" + key + "\nquorum none\n", true},
		"log with a URL":        {key + " https://log.test/\nquorum none\n", true},
		"no quorum line":        {key + "\n", false},
		"quorum misspelt":       {key + "\nquorm w1\n", false},
		"two quorums":           {key + "\nquorum none\nquorum none\n", false},
		"quorum of nothing":     {key + "\nquorum w9\n", false},
		"no log":                {"quorum none\n", false},
		"two logs":              {key + "\n" + key + "\nquorum none\n", false},
		"log without a key":     {"log\nquorum none\n", false},
		"log with a bad key":    {"log abc\nquorum none\n", false},
		"log with more":         {key + " https://log.test/ more\nquorum none\n", false},
		"empty":                 {"", false},
		"too long":              {key + "\nquorum none\n" + strings.Repeat("#", ledger.MaxPolicyBytes), false},
	} {
		if _, err := ledger.ParsePolicy([]byte(c.text)); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzOpenReceipt(f *testing.F) {
	n, _, receipts := transferred(f)
	policy := "log " + n.World.Keys.LogVerifier + "\nquorum none\n"
	for _, receipt := range receipts {
		f.Add(policy, []byte(receipt))
	}
	f.Add("log x\nquorum none", []byte("c2sp.org/tlog-proof@v1\nindex 0\n\n"))
	f.Fuzz(func(t *testing.T, text string, receipt []byte) {
		policy, err := ledger.ParsePolicy([]byte(text))
		if err != nil {
			return
		}
		if _, err := ledger.OpenReceipt(policy, receipt); err != nil && !errors.Is(err, ledger.ErrReceipt) {
			t.Errorf("not a receipt error: %v", err)
		}
	})
}
