package ledger_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"aval/contracts"
	"aval/contracts/governance"
	"aval/domain"
	"aval/domain/canon"
	"aval/domain/envelope"
	"aval/ledger"
	"aval/ledger/ledgertest"
)

type object map[string]any

// governed is a ledger with the real kinds, on which "member" decides.
type governed struct {
	*ledgertest.Node
	t testing.TB
}

func openGoverned(t testing.TB) *governed {
	t.Helper()
	w := ledgertest.NewWorld(t)
	w.Contracts = contracts.Table()
	return &governed{w.MustStart(ledgertest.NewMemory()), t}
}

// order sends a command of governance and gives its index.
func (g *governed) order(s *envelope.Signer, contract, name string, body object) uint64 {
	g.t.Helper()
	return g.MustSubmit(g.World.Command(s, domain.GovernanceKind, contract, name, body)).Index
}

// join registers a party under a new key.
func (g *governed) join(id string, roles ...domain.Role) *envelope.Signer {
	g.t.Helper()
	s := ledgertest.NewSigner(g.t)
	g.order(g.World.Member, id, "registerParty", object{"party": id, "roles": roles, "keys": []domain.Key{s.Key}})
	return s
}

// story decides a few things, moves money between, and gives the governance file.
func (g *governed) story() []byte {
	g.t.Helper()
	bank := g.join("bank", domain.RoleBank)
	g.join("buyer", domain.RoleBuyer)
	g.order(g.World.Member, "measurements", "trustMeasurement", object{"platform": "tdx", "value": strings.Repeat("ab", 32), "release": "v1"})
	g.MustSubmit(g.World.Command(bank, domain.CashKind, "bank", "issue", object{"to": "buyer", "amount": usd(500)}))
	spare := ledgertest.NewSigner(g.t)
	g.order(bank, spare.Key.ID, "registerKey", object{"key": spare.Key, "class": "party", "holder": "bank"})
	g.order(bank, bank.Key.ID, "revokeKey", object{"id": bank.Key.ID})
	return g.file()
}

func (g *governed) file() []byte {
	g.t.Helper()
	text, err := g.Governance("member")
	if err != nil {
		g.t.Fatal(err)
	}
	return text
}

func (g *governed) policy() ledger.Policy {
	g.t.Helper()
	policy, err := ledger.ParsePolicy(g.World.Keys.Policy())
	if err != nil {
		g.t.Fatal(err)
	}
	return policy
}

func (g *governed) read(text []byte) (*ledger.Governance, error) {
	return ledger.OpenGovernance(g.policy(), governance.Contract, bytes.NewReader(text))
}

// line takes a line of a file apart.
func line(t testing.TB, text []byte) object {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	found := object{}
	if err := d.Decode(&found); err != nil {
		t.Fatal(err)
	}
	return found
}

var lineMembers = []string{"format", "origin", "entries", "chain", "seal", "number", "index", "leaf", "entry", "salt", "views", "path", "proof", "checkpoint"}

// text puts a line together, in its exact form.
func (o object) text() []byte {
	var b bytes.Buffer
	for _, name := range lineMembers {
		v, ok := o[name]
		if !ok || name == "proof" && o["format"] == nil && o["entry"] == nil {
			continue
		}
		encoded, _ := json.Marshal(v)
		fmt.Fprintf(&b, ",%q:%s", name, encoded)
	}
	return append(append([]byte{'{'}, b.Bytes()[1:]...), '}', '\n')
}

func (o object) with(name string, v any) object {
	o[name] = v
	return o
}

func TestGovernanceFile(t *testing.T) {
	g := openGoverned(t)
	text := g.story()
	found, err := g.read(text)
	if err != nil {
		t.Fatal(err)
	}
	if found.Entries() != 6 || found.Head.Size != g.Size() || found.BookedAt != g.Now() {
		t.Errorf("%d entries under %+v at %d", found.Entries(), found.Head, found.BookedAt)
	}
	exported, err := ledger.ExportGovernance(g.World.Keys, g.policy(), g.Store, nil)
	if err != nil || !bytes.Equal(exported, text) {
		t.Errorf("the file of the store is another than that of the engine: %v", err)
	}
	if _, err := g.Governance("buyer"); !errors.As(err, new(*domain.Rejection)) {
		t.Errorf("a party that is no member is given the file: %v", err)
	}
	now, err := found.At(ledger.Moment{})
	if err != nil {
		t.Fatal(err)
	}
	if len(now.Keys) != 4 || len(now.Measurements) != 1 || now.Measurements[0].Release != "v1" || now.To != g.Size() || now.Entries != 6 {
		t.Errorf("at the end: %+v", now)
	}
	first, err := found.At(ledger.AtIndex(0))
	if err != nil || len(first.Parties) != 1 || len(first.Keys) != 1 || first.Measurements == nil || len(first.Measurements) != 0 {
		t.Errorf("at index 0: %+v %v", first, err)
	}
	if _, err := found.At(ledger.AtIndex(g.Size())); !errors.As(err, new(*domain.Rejection)) {
		t.Errorf("beyond the head: %v", err)
	}
}

// Every way to tamper with the file has its own sentence.
func TestGovernanceFileTampered(t *testing.T) {
	g := openGoverned(t)
	old := g.file()
	text := g.story()
	lines := bytes.SplitAfter(text, []byte("\n"))
	lines = lines[:len(lines)-1]
	other := openGoverned(t)
	other.World.Clock.Add(time.Second)
	foreign := bytes.SplitAfter(other.story(), []byte("\n"))
	head := func() object { return line(t, lines[0]) }
	entry := func(n int) object { return line(t, lines[n]) }
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	rest := func(from int) []byte { return join(lines[from:]...) }
	renumbered := func(from int) []byte {
		var all []byte
		for i := from; i < len(lines); i++ {
			all = append(all, entry(i).with("number", i-1).text()...)
		}
		return all
	}
	if !bytes.Equal(join(head().text(), entry(1).text()), join(lines[:2]...)) {
		t.Fatal("the test does not write lines in their exact form")
	}
	oldHead := line(t, bytes.SplitAfter(old, []byte("\n"))[0])
	for name, c := range map[string]struct {
		text []byte
		want string
	}{
		"an entry left out":               {join(lines[0], lines[1], rest(3)), "entry 2 of governance was left out: the file goes on with entry 3"},
		"left out, and renumbered":        {join(lines[0], lines[1], renumbered(3)), "it ends after 5 of 6 entries"},
		"left out, and counted":           {join(head().with("entries", 5).text(), lines[1], renumbered(3)), "the seal of the log does not count 5 entries"},
		"two entries exchanged":           {join(lines[0], lines[1], lines[3], lines[2], rest(4)), "entry 2 of governance was left out: the file goes on with entry 3"},
		"exchanged, and renumbered":       {join(lines[0], lines[1], entry(3).with("number", 2).text(), entry(2).with("number", 3).text(), rest(4)), "the entries are out of order: entry 3 at index 2 stands behind index 4"},
		"an entry twice":                  {join(lines[0], lines[1], lines[1], rest(2)), "the entries are out of order: entry 1 at index 0 stands behind index 0"},
		"an entry of another ledger":      {join(lines[0], lines[1], foreign[2], rest(3)), "entry 2, at index 2, is not what the log holds there"},
		"the file of another ledger's":    {join(foreign...), "the head is not signed by"},
		"a line cut":                      {text[:len(text)-9], "the governance file is cut short: its last line has no end"},
		"lines cut":                       {join(lines[:4]...), "the governance file is cut short: it ends after 3 of 6 entries"},
		"nothing":                         {nil, "ends too early"},
		"more":                            {join(text, lines[1]), "the file goes on after the 6 entries that the seal counts"},
		"older than its checkpoint":       {join(oldHead.with("checkpoint", head()["checkpoint"]).text(), lines[1]), "the seal is not the last of 14 leaves, so the file is older than its checkpoint"},
		"an older file":                   {old, ""},
		"another index":                   {join(lines[0], lines[1], entry(2).with("index", 3).text(), rest(3)), "entry 2, at index 3, is not what the log holds there: the view speaks of another entry"},
		"beyond the head":                 {join(lines[0], entry(1).with("index", 99).text(), rest(2)), "entry 1 is at index 99, beyond the 14 leaves of the checkpoint"},
		"another format":                  {join(head().with("format", "aval-governance/9").text(), rest(1)), "this program reads aval-governance/1"},
		"another chain":                   {join(head().with("chain", strings.Repeat("A", 43)+"=").text(), rest(1)), "the seal of the log does not count 6 entries of governance, or others"},
		"spaces":                          {join(bytes.Replace(lines[0], []byte(":"), []byte(": "), 1), rest(1)), "not in the exact form of a governance file"},
		"not JSON":                        {[]byte("hello\n"), "not a line of a governance file"},
		"a line that is too long":         {bytes.Repeat([]byte("a"), ledger.MaxGovernanceLine+1), "line of more than 12582912 bytes"},
		"the seal under a salt not its":   {join(head().with("salt", strings.Repeat("A", 22)+"==").text(), rest(1)), "the seal of the log does not count 6 entries"},
		"an entry that is none of its":    {join(lines[0], entry(1).with("entry", entry(2)["entry"]).text(), rest(2)), "entry 1, at index 0, is not what the log holds there: view in the leaf"},
		"a proof that leads to elsewhere": {join(lines[0], entry(1).with("proof", entry(2)["proof"]).text(), rest(2)), "entry 1, at index 0, is not what the log holds there"},
	} {
		_, err := g.read(c.text)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
}

// No byte of a file is without meaning.
func TestGovernanceFileFlipped(t *testing.T) {
	g := openGoverned(t)
	text := g.story()
	for at := 0; at < len(text); at += 41 {
		changed := bytes.Clone(text)
		changed[at] ^= 1
		if _, err := g.read(changed); err == nil {
			t.Errorf("byte %d may be changed: %q", at, text[max(0, at-20):at+1])
		}
	}
}

// A known head tells an old file from a new one.
func TestGovernanceFileNotBefore(t *testing.T) {
	g := openGoverned(t)
	old := g.file()
	g.story()
	checkpoint, err := g.Checkpoint()
	must(t, err)
	known, err := ledger.OpenCheckpoint(g.policy(), checkpoint)
	must(t, err)
	found, err := g.read(old)
	must(t, err)
	if err := found.NotBefore(known); err == nil || !strings.Contains(err.Error(), "the governance file is stale: it is of 2 leaves") {
		t.Errorf("an old file: %v", err)
	}
	found, err = g.read(g.file())
	must(t, err)
	must(t, found.NotBefore(known))
	known.Hash = bytes.Repeat([]byte{1}, 32)
	if err := found.NotBefore(known); err == nil || !strings.Contains(err.Error(), "of another history") {
		t.Errorf("a fork: %v", err)
	}
}

// lenient lets everybody do what members may.
type lenient struct{ domain.Contract }

func (l lenient) Apply(v domain.View, in domain.Input) (domain.Effects, error) {
	in.Roles = append(in.Roles, domain.RoleMember)
	return l.Contract.Apply(v, in)
}

// A ledger whose own code broke the rules is found out by them, whatever its key signed.
func TestGovernanceFileOfALenientLedger(t *testing.T) {
	w := ledgertest.NewWorld(t)
	w.Contracts = []domain.Contract{lenient{governance.Contract}}
	g := &governed{w.MustStart(ledgertest.NewMemory()), t}
	buyer := g.join("buyer", domain.RoleBuyer)
	at := g.order(buyer, "friend", "registerParty", object{"party": "friend", "roles": []string{"bank"}, "keys": []domain.Key{}})
	_, err := g.read(g.file())
	want := fmt.Sprintf("index %d: executed again: it is refused: not-permitted", at)
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%v, want %s", err, want)
	}
}

// What the log shows of each batch says nothing of the chain: not whether it grew.
func TestSealsHideGovernance(t *testing.T) {
	g := openGoverned(t)
	bank := g.join("bank", domain.RoleBank)
	for range 5 {
		g.MustSubmit(g.World.Command(bank, domain.CashKind, "bank", "issue", object{"to": "member", "amount": usd(1)}))
	}
	seen := map[string]bool{}
	must(t, g.Store.Entries(0, 100, func(s ledger.StoredEntry) error {
		if len(s.Body) > 0 {
			return nil
		}
		shown, err := canon.ToJSON(s.Leaf)
		must(t, err)
		gov := line(t, shown)["gov"].(string)
		if len(gov) != 44 || seen[gov] {
			t.Errorf("seal at %d: %s, seen before: %v", s.Index, gov, seen[gov])
		}
		seen[gov] = true
		return nil
	}))
	if len(seen) != 7 {
		t.Errorf("%d seals", len(seen))
	}
}
