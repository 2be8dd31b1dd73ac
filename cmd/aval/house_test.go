package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"

	"aval/api/client"
	"aval/cmd/aval/node"
	"aval/domain"
	"aval/domain/envelope"
	"aval/iot/gateway"
	"aval/ledger"
)

const origin = "aval.example/house"

// opening is what each trader has at first, in cents.
const opening = 1_000_000

// house is a node's folder with a bank, traders and a sensor. Its node runs as a process of its own.
type house struct {
	dir    string
	policy ledger.Policy
	keys   map[domain.PartyID]*envelope.Signer
	// setup counts the commands that made it.
	setup uint64
	// api, admin and broker are the addresses of the node that runs now.
	api, admin, broker string
	// tlsKey is the hash of its TLS key.
	tlsKey string

	mu sync.Mutex
	// senders says who signed a command.
	senders map[string]domain.PartyID
}

func newHouse(t *testing.T) *house {
	t.Helper()
	h := &house{dir: filepath.Join(t.TempDir(), "node"), keys: map[domain.PartyID]*envelope.Signer{}, senders: map[string]domain.PartyID{}}
	names := []domain.PartyID{"member", "bank", "sensor-1"}
	for i := range payers {
		names = append(names, trader(i))
	}
	for _, name := range names {
		signer, err := envelope.NewSigner(envelope.EdDSA, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		h.keys[name] = signer
	}
	if err := node.Create(t.Context(), h.dir, node.Founding{Ledger: origin, Member: "member", Key: h.keys["member"].Key}); err != nil {
		t.Fatal(err)
	}
	h.configure(t, map[string]any{
		"ledger": origin, "listen": "127.0.0.1:0", "admin": "127.0.0.1:0",
		"broker": map[string]any{"listen": "127.0.0.1:0", "net": "main", "anonymousOrg": "trader-0", "gateways": []any{}},
	})
	text, err := os.ReadFile(filepath.Join(h.dir, node.PolicyFile))
	if err != nil {
		t.Fatal(err)
	}
	if h.policy, err = ledger.ParsePolicy(text); err != nil {
		t.Fatal(err)
	}
	h.furnish(t)
	return h
}

func (h *house) configure(t *testing.T, config any) {
	t.Helper()
	text, err := json.Marshal(config)
	if err == nil {
		err = os.WriteFile(filepath.Join(h.dir, "config.json"), text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// furnish registers everybody and gives the traders money.
func (h *house) furnish(t *testing.T) {
	t.Helper()
	n := h.start(t)
	register := func(id domain.PartyID, role domain.Role) {
		h.must(t, "member", domain.GovernanceKind, string(id), "registerParty", map[string]any{
			"party": id, "roles": []domain.Role{role}, "keys": []node.PublicKey{node.Public(h.keys[id].Key)},
		})
	}
	register("bank", domain.RoleBank)
	for i := range payers {
		register(trader(i), domain.RoleBuyer)
		h.must(t, "bank", domain.CashKind, "bank", "issue", cents(trader(i), opening))
	}
	h.must(t, "member", domain.GovernanceKind, "sensor-1", "registerDevice", map[string]any{
		"device": "sensor-1", "operator": "trader-0", "gateway": "gw-1", "key": node.Public(h.keys["sensor-1"].Key),
	})
	if err := n.stop(); err != nil {
		t.Fatal(err)
	}
}

func cents(to domain.PartyID, minor int64) map[string]any {
	return map[string]any{"to": to, "amount": domain.Money{Minor: minor, Currency: "EUR"}, "reference": ""}
}

// start runs the node as a process and waits until it listens.
func (h *house) start(t *testing.T, flags ...string) *process {
	t.Helper()
	p, err := start(exec.Command("aval", append([]string{"node", "--json", h.dir}, flags...)...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.kill)
	first, err := p.first()
	if err != nil {
		t.Fatal(err)
	}
	h.api, h.admin, h.broker = fmt.Sprint(first["api"]), fmt.Sprint(first["admin"]), fmt.Sprint(first["broker"])
	h.tlsKey = fmt.Sprint(first["tlsKey"])
	return p
}

func (h *house) client(t *testing.T, signer *envelope.Signer) *client.Client {
	t.Helper()
	config := client.Config{URL: h.api, Ledger: origin, Signer: signer}
	if strings.HasPrefix(h.api, "https:") {
		config.Trust = &client.Trust{Pinned: func(key client.KeyHash) bool { return key.String() == h.tlsKey }}
	}
	c, err := client.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (h *house) sign(t *testing.T, signer *envelope.Signer, kind domain.Kind, contract, name string, body any) (jws []byte, id string) {
	t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		t.Error(err)
	}
	id = ulid.Make().String()
	jws, err = envelope.SealCommand(signer, domain.Command{
		Ledger: origin, ID: id, Kind: kind, Contract: contract, Name: name, Body: text, NotAfter: domain.Millis(time.Now().Add(time.Hour).UnixMilli()),
	})
	if err != nil {
		t.Error(err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for party, key := range h.keys {
		if key == signer {
			h.senders[id] = party
		}
	}
	return jws, id
}

// must submits a command of the setup.
func (h *house) must(t *testing.T, as domain.PartyID, kind domain.Kind, contract, name string, body any) ledger.Reply {
	t.Helper()
	jws, _ := h.sign(t, h.keys[as], kind, contract, name, body)
	reply, err := h.client(t, nil).Submit(t.Context(), jws, ledger.ForReceipt)
	if err != nil {
		t.Fatalf("%s %s: %v", kind, name, err)
	}
	h.setup++
	return reply
}

func (h *house) balance(t *testing.T, p domain.PartyID) int64 {
	t.Helper()
	text, err := h.client(t, h.keys[p]).Get(t.Context(), "/v1/accounts")
	if err != nil {
		t.Fatal(err)
	}
	var page struct {
		Accounts []ledger.AccountView `json:"accounts"`
	}
	if err := json.Unmarshal(text, &page); err != nil || len(page.Accounts) != 1 {
		t.Fatalf("accounts of %s: %s, %v", p, text, err)
	}
	return page.Accounts[0].Balance.Minor
}

// verify derives the folder's ledger again; it must be clean, whether the node stopped or was killed.
func (h *house) verify(t *testing.T) ledger.Report {
	t.Helper()
	folder, err := node.OpenFolder(h.dir)
	if err != nil {
		t.Fatal(err)
	}
	report, err := folder.Verify(&h.policy)
	if err != nil {
		t.Fatalf("verify: %v", err)
	}
	return report
}

// size is how many leaves the running node has signed.
func (h *house) size(t *testing.T) (n uint64) {
	t.Helper()
	note, err := h.client(t, nil).Get(t.Context(), "/log/checkpoint")
	if err == nil {
		_, err = fmt.Sscanf(strings.TrimPrefix(string(note), origin), "\n%d\n", &n)
	}
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// grown waits until the log is longer than before, or the program has ended.
func (h *house) grown(t *testing.T, before uint64, p *process) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for h.size(t) == before {
		select {
		case <-p.exited:
			if h.size(t) == before {
				t.Fatalf("the gateway ended (%v) and sent nothing: %s", p.err, p.stderr)
			}
			return
		case <-ctx.Done():
			t.Fatal("nothing arrives")
		case <-time.After(time.Millisecond):
		}
	}
}

// trip writes a recorded trip, one instant a message, and gives the arguments of a gateway that sends it.
func (h *house) trip(t *testing.T, messages int) []string {
	t.Helper()
	base := filepath.Dir(h.dir)
	lines := []string{gateway.TelemetryHeader}
	for i := range messages {
		at := time.UnixMilli(1_700_000_000_000 + int64(i)*1000).UTC()
		lines = append(lines, at.Format("2006-01-02T15:04:05.000Z")+",4.2,,,,")
	}
	text, err := h.keys["sensor-1"].Format()
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{"trip.csv": strings.Join(lines, "\n") + "\n", "sensor.jwk": string(text)} {
		if err := os.WriteFile(filepath.Join(base, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return []string{
		"gateway", "--broker", h.broker, "--org", "trader-0", "--id", "gw-1", "--policy", filepath.Join(h.dir, node.PolicyFile),
		"--store", filepath.Join(base, "gw.wal"), "--device", "sensor-1", "--key", filepath.Join(base, "sensor.jwk"), "--shipment", "s-1",
		"--per-message", "1", "--telemetry", filepath.Join(base, "trip.csv"),
	}
}

// again takes the telemetry off: what is not on the ledger is in the store.
func (h *house) again(args []string) []string {
	if i := slices.Index(args, "--telemetry"); i >= 0 {
		return slices.Delete(slices.Clone(args), i, i+2)
	}
	return args
}

// waiting looks into a gateway's store.
func (h *house) waiting(t *testing.T, args []string) int {
	t.Helper()
	g, err := gateway.Open(gateway.Config{
		Broker: h.broker, Net: "main", Org: "trader-0", ID: "gw-1", Path: args[slices.Index(args, "--store")+1], Verify: gateway.VerifyUnder(h.policy),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	return g.Stats().Pending
}
