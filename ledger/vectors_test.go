package ledger

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"aval/domain"
	"aval/domain/canon"
)

// vectorSeed is the private key of RFC 8037, appendix A.
const vectorSeed = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"

// vectorKeys are keys that everybody can make.
func vectorKeys(t *testing.T) *Keys {
	t.Helper()
	const origin = "aval.example/trade"
	seed, err := base64.RawURLEncoding.DecodeString(vectorSeed)
	if err != nil {
		t.Fatal(err)
	}
	public := ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey)
	verifier, err := note.NewEd25519VerifierKey(origin, public)
	if err != nil {
		t.Fatal(err)
	}
	id := strings.Split(verifier, "+")[1]
	return &Keys{
		Origin: origin, LogVerifier: verifier, LogSigner: "PRIVATE+KEY+" + origin + "+" + id + "+" + base64.StdEncoding.EncodeToString(append([]byte{1}, seed...)),
		Index: bytes.Repeat([]byte{1}, 32), Salt: bytes.Repeat([]byte{2}, 32), Epochs: []Epoch{{1, bytes.Repeat([]byte{3}, 32)}},
	}
}

// vectorEntry is the transfer that the document follows.
func vectorEntry(t *testing.T) *entry {
	t.Helper()
	amount := domain.Money{Minor: 25_000, Currency: "EUR"}
	event, err := domain.NewEvent("transferred", "currency/EUR", map[string]any{
		"from": "alice", "to": "bob", "amount": amount, "issuer": "bank", "reference": "rent",
	}, "alice", "bob")
	if err != nil {
		t.Fatal(err)
	}
	return &entry{
		Index: 2, Sequence: 2, BookedAt: 1_795_516_200_000, Format: CommandFormat, Raw: []byte("the signed command"), Fingerprint: bytes.Repeat([]byte{4}, 32),
		ID: "01M86HPPDQAKBN2HTJ41ZRXWBT", Sender: "alice", Kind: "cash/1", Contract: "bank", Name: "transfer", Events: []domain.Event{event},
		Postings: []domain.Posting{{Debit: "party/alice", Credit: "party/bob", Amount: amount, Purpose: "transfer"}},
		Balances: []AccountBalances{{"party/alice", map[domain.Currency]int64{"EUR": 75_000}}, {"party/bob", map[domain.Currency]int64{"EUR": 25_000}}},
	}
}

// The vectors of docs/formats.md are what the code gives, and the files beside the verifier too.
func TestDocumentedVectors(t *testing.T) {
	document, err := os.ReadFile("../docs/formats.md")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Join(strings.Fields(string(document)), "")
	has := func(name, vector string) {
		t.Helper()
		if !strings.Contains(text, strings.Join(strings.Fields(vector), "")) {
			t.Errorf("%s is not in the document:\n%s", name, vector)
		}
	}
	keys := vectorKeys(t)
	first := &entry{Sequence: 1, BookedAt: 1_795_516_100_000, Format: genesisFormat, ID: "genesis", Sender: "bank", Kind: domain.GovernanceKind, Contract: "ledger", Name: "Genesis"}
	salt, err := newSalts(keys.Salt, keys.Origin)
	if err != nil {
		t.Fatal(err)
	}
	policy, receipts := provedUnder(t, keys, salt, first, nil, vectorEntry(t), nil)
	whole := receipts[2]["bob"]
	part, err := Disclose(whole, []string{"events/0", "events/0/amount"})
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := seal(vectorEntry(t), salt)
	if err != nil {
		t.Fatal(err)
	}
	view := sealed.view(2)
	for i, f := range view {
		value, err := canon.ToJSON(f.Value)
		if err != nil {
			t.Fatal(err)
		}
		has("field", fmt.Sprintf("| %d | `%s` | `%s` | `%x` | `%x` |", i, f.Path, value, f.Salt, f.commitment()))
	}
	amount := view[5]
	has("input of a commitment", "02 "+hex.EncodeToString(amount.Salt)+" 0f "+hex.EncodeToString([]byte(amount.Path))+" "+hex.EncodeToString(amount.Value))
	has("hash of the view", fmt.Sprintf("`%x`", sealed.views[2][:]))
	for _, h := range viewsPath(sealed.views, 2) {
		has("path of the view", fmt.Sprintf("`%x`", h))
	}
	has("leaf", hex.EncodeToString(sealed.leaf))
	has("whole receipt", string(whole))
	has("partial receipt", string(part))
	_, closing, err := sealBatch(Batch{Sequence: 2, Now: 1_795_516_200_000}, []*entry{vectorEntry(t)}, newState(), salt)
	if err != nil {
		t.Fatal(err)
	}
	has("seal leaf", hex.EncodeToString(closing))
	has("state digest", fmt.Sprintf("`%x`", (&stateDigest{}).sum()))
	for name, content := range map[string][]byte{"policy.txt": keys.Policy(), "whole.tlog-proof": whole, "part.tlog-proof": part} {
		path := filepath.Join("../docs/verifier", name)
		if os.Getenv("AVAL_WRITE_VECTORS") != "" {
			if err := os.WriteFile(path, content, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, content) {
			t.Errorf("%s is not what the code gives: %v", path, err)
		}
		if name != "policy.txt" {
			if _, err := OpenReceipt(policy, content); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	has("policy", string(keys.Policy()))
	var digest stateDigest
	has("digest of nothing", fmt.Sprintf("`%x`", digest.sum()))
	for _, element := range []slot{
		{Type: balanceSlot, Key: "party/buyer", Name: "EUR", Minor: 50_827_123}, {Type: balanceSlot, Key: "issue/bank", Name: "EUR", Minor: -100_000_000},
	} {
		bytes, err := canon.Marshal(element)
		if err != nil {
			t.Fatal(err)
		}
		digest.add(new(stretched).of(bytes))
		has("slot", hex.EncodeToString(bytes))
		has("digest", fmt.Sprintf("`%x`", digest.sum()))
	}
	has("first lanes", fmt.Sprintf("first lanes %d, %d", digest[0]&0xffff, digest[0]>>16&0xffff))
}
