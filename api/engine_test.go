package api

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"aval/domain"
	"aval/domain/envelope"
	"aval/ledger"
	"aval/ledger/ledgertest"
)

var _ Ledger = (*ledger.Engine)(nil)

// engined is a house over the real engine: acme and globex trade, umbrel looks on, seer audits.
type engined struct {
	*house
	node *ledgertest.Node
	seer *envelope.Signer
}

func openEngine(t *testing.T) *engined {
	t.Helper()
	world := ledgertest.NewWorld(t)
	node := world.MustStart(ledgertest.NewMemory())
	h := &house{T: t, log: &journal{}, seen: loadDocument(t), done: make(chan error, 1)}
	h.acme, h.globex, h.umbrel = node.Register("acme"), node.Register("globex"), node.Register("umbrel")
	h.Server = newServer(Config{Ledger: node, Now: world.Clock.Now}, standardLimits)
	h.serve()
	return &engined{h, node, node.Register("seer", domain.RoleAuditor)}
}

// token is one of this ledger: the house's own names the ledger in memory.
func (e *engined) token(s *envelope.Signer) string {
	token, err := envelope.SealToken(s, ledgertest.Origin, e.node.World.Clock.Millis())
	if err != nil {
		e.Fatal(err)
	}
	return string(token)
}

func (e *engined) read(path string, s *envelope.Signer) answered {
	e.Helper()
	return e.do(request{path: path, token: e.token(s)})
}

// order submits a Till command over HTTP.
func (e *engined) order(s *envelope.Signer, contract, name string, body ledgertest.Order) answered {
	e.Helper()
	return e.post(string(e.node.World.Command(s, domain.CashKind, contract, name, body)))
}

func euro(minor int64) domain.Money { return domain.Money{Minor: minor, Currency: "EUR"} }

// TestEngineOverHTTP tells one story on the real engine, and holds every answer against the document.
func TestEngineOverHTTP(t *testing.T) {
	e := openEngine(t)
	decodeReply(t, e.order(e.acme, "M-1", "issue", ledgertest.Order{To: "acme", Amount: euro(1000)}))
	paid := decodeReply(t, e.order(e.acme, "M-2", "transfer", ledgertest.Order{To: "globex", Amount: euro(300)}))
	held := decodeReply(t, e.order(e.acme, "H-1", "hold", ledgertest.Order{Amount: euro(50), At: e.node.World.Clock.Millis() + 1000}))
	p := decodeProblem(t, e.order(e.globex, "M-3", "transfer", ledgertest.Order{To: "acme", Amount: euro(301)}))
	if p.Code != domain.InsufficientFunds || p.Status != 422 || p.refusal == nil || p.Index <= held.Index {
		t.Errorf("an overdraft: %+v", p)
	}
	for _, receipt := range []string{paid.Receipt, p.Receipt, e.read("/v1/receipts/"+strconv.FormatUint(paid.Index, 10), e.globex).body} {
		if _, err := ledger.OpenReceipt(e.node.Policy(), []byte(receipt)); err != nil {
			t.Errorf("receipt: %v", err)
		}
	}
	first := decodeReply(t, e.read("/v1/commands/"+paid.ID, e.acme))
	if first.Index != paid.Index || first.Receipt != "" {
		t.Errorf("status: %+v", first)
	}
	for path, want := range map[string]string{
		"/v1/accounts":                               `{"account":"party/acme","class":"party","owner":"acme","balance":{"minor":650,"currency":"EUR"},`,
		"/v1/contracts":                              `"id":"cash:1:hold:H-1"`,
		"/v1/contracts?kind=cash/1&status=open":      `"final":false`,
		"/v1/contracts/cash:1:hold:H-1":              `"kind":"cash/1"`,
		"/v1/contracts/cash:1:hold:H-1/events":       `"record":"cash:1:hold:H-1"`,
		"/v1/accounts/party:acme/postings":           `"purpose":"hold"`,
		"/v1/accounts/party%2Facme/postings?limit=1": `"next":`,
		"/v1/accounts/party:acme":                    `"balances":[{"minor":650,"currency":"EUR"}]`,
		"/v1/accounts/party:acme/statement":          `"closing":[{"minor":650,"currency":"EUR"}]`,
		"/v1/accounts/party:acme/statement?limit=1":  `"next":"0.`,
		"/v1/trial-balance":                          `"currency":"EUR","debits":350,"credits":1000,"balance":650}`,
		"/v1/trial-balance?format=csv":               "account,party/acme,party,acme,EUR,3.50,10.00,6.50,350,1000,650\r\n",
		"/v1/contracts/cash:1:hold:H-1?asOf=" + strconv.FormatUint(held.Index, 10): `"status":"open","final":false,`,
		"/v1/contracts/cash:1:hold:H-1/events?format=csv":                          ",event,Did,cash:1:hold:H-1,",
		"/log/checkpoint": ledgertest.Origin + "\n",
	} {
		if a := e.read(path, e.acme); a.status != 200 || !strings.Contains(a.body, want) {
			t.Errorf("%s: got %d %s, want %s", path, a.status, a.body, want)
		}
	}
	width := strconv.FormatUint(e.node.Size(), 10)
	for _, path := range []string{"/log/tile/0/000.p/" + width, "/log/tile/entries/000.p/" + width} {
		if a := e.read(path, e.acme); a.status != 200 || a.body == "" {
			t.Errorf("%s: got %d", path, a.status)
		}
	}
	if a := e.read("/v1/accounts", e.seer); !strings.Contains(a.body, "party/globex") {
		t.Errorf("an auditor sees %s", a.body)
	}
}

// TestEngineKeepsSecrets compares what a stranger gets for what is there and what is not.
func TestEngineKeepsSecrets(t *testing.T) {
	e := openEngine(t)
	issued := decodeReply(t, e.order(e.acme, "M-1", "issue", ledgertest.Order{To: "acme", Amount: euro(1000)}))
	decodeReply(t, e.order(e.acme, "H-1", "hold", ledgertest.Order{Amount: euro(50), At: e.node.World.Clock.Millis() + 1000}))
	index := strconv.FormatUint(issued.Index, 10)
	for _, pair := range [][2]string{
		{"/v1/commands/" + issued.ID, "/v1/commands/" + id("0")},
		{"/v1/contracts/cash:1:hold:H-1", "/v1/contracts/cash:1:hold:H-2"},
		{"/v1/contracts/cash:1:hold:H-1/events", "/v1/contracts/invoice:7:hold:H-2/events"},
		{"/v1/accounts/party:acme/postings", "/v1/accounts/party:nobody/postings"},
		{"/v1/accounts/party:acme", "/v1/accounts/party:nobody"},
		{"/v1/accounts/party:acme/statement", "/v1/accounts/party:nobody/statement"},
		{"/v1/accounts/party:acme/statement?format=csv", "/v1/accounts/escrow:cash:1:hold:H-1/statement"},
		{"/v1/contracts/cash:1:hold:H-1?asOf=2026-01-01", "/v1/contracts/cash:1:hold:H-2?asOf=2026-01-01"},
		{"/v1/receipts/" + index, "/v1/receipts/9999"},
	} {
		if a := e.read(pair[0], e.acme); a.status != 200 {
			t.Errorf("%s for its own party: %d %s", pair[0], a.status, a.body)
		}
		theirs, nothing := e.read(pair[0], e.umbrel), e.read(pair[1], e.umbrel)
		if theirs.status != 404 || theirs.body != nothing.body {
			t.Errorf("%s: %d %s; %s: %d %s", pair[0], theirs.status, theirs.body, pair[1], nothing.status, nothing.body)
		}
	}
}

// TestEngineStreams follows the real engine, deadline and refusal included.
func TestEngineStreams(t *testing.T) {
	e := openEngine(t)
	s := e.streamWith(request{path: "/v1/events", token: e.token(e.acme)})
	defer s.close()
	e.order(e.acme, "M-1", "issue", ledgertest.Order{To: "acme", Amount: euro(1000)})
	e.order(e.acme, "H-1", "hold", ledgertest.Order{Amount: euro(50), At: e.node.World.Clock.Millis() + 1000})
	e.order(e.acme, "M-2", "transfer", ledgertest.Order{To: "globex", Amount: euro(5000)})
	var names []string
	for range 3 {
		var v ledger.EntryView
		if err := json.Unmarshal([]byte(s.named("entry").data), &v); err != nil {
			t.Fatal(err)
		}
		names = append(names, v.Name+string(v.Code))
	}
	if got := strings.Join(names, " "); got != "issue hold transferinsufficient-funds" {
		t.Errorf("got %s", got)
	}
}

// TestStoppedEngineIsUnavailable stops the engine under a running server.
func TestStoppedEngineIsUnavailable(t *testing.T) {
	e := openEngine(t)
	if e.read("/readyz", e.acme).status != http.StatusOK {
		t.Error("not ready while it runs")
	}
	if err := e.node.Stop(); err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, net.ErrClosed) {
		t.Logf("stop: %v", err)
	}
	if p := decodeProblem(t, e.order(e.acme, "M-1", "issue", ledgertest.Order{To: "acme", Amount: euro(1)})); p.Code != unavailable {
		t.Errorf("got %+v", p)
	}
	if p := decodeProblem(t, e.read("/readyz", e.acme)); p.Code != unavailable {
		t.Errorf("got %+v", p)
	}
}
